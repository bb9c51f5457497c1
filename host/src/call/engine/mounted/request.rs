//! One request from its admission to the beginning of its response. After a conflict it runs again, as a call does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::Body;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use tokio::sync::OwnedRwLockWriteGuard;
use tokio::time::timeout_at;

use super::failed::is_blamed;
use super::observer::RunObserver;
use super::replay::Replay;
use crate::call::engine::answer::CallError;
use crate::call::engine::commit::{self, NotCommitted, commit};
use crate::call::engine::failure::error_of;
use crate::call::engine::run::RUNS_BESIDE_OTHERS;
use crate::call::engine::seed::Seed;
use crate::call::routing::Backend;
use crate::call::routing::circuit::Client;
use crate::call::routing::instances::Instances;
use crate::clock;
use crate::names::{CallId, CommitSeq, Identity, RequestId};
use crate::observe::calls::Outcome;
use crate::runtime::{BegunResponse, Failure, HttpBody, HttpFrame, HttpProgram, RequestBodyError, Slot};

/// A request to a mounted service, without its head and body. It is the same in every run.
#[derive(Debug)]
pub(in crate::call) struct MountedRequest {
    pub(in crate::call) backend: Backend,
    pub(in crate::call) id: RequestId,
    pub(in crate::call) identity: Option<Identity>,
    pub(in crate::call) only_reads: bool,
    /// The client for which the circuit counts its failures.
    pub(in crate::call) client: Client,
    /// The client whose slots it uses: its address, whether it signed in or not, since accounts may be had for nothing.
    pub(in crate::call) address: Client,
    pub(in crate::call) seed: Seed,
    pub(in crate::call) began: Instant,
    pub(in crate::call) time_unix_micros: u64,
}

impl MountedRequest {
    /// Runs the request until its response begins, and is durable.
    pub(in crate::call) async fn serve<B>(
        self,
        request: Request<B>,
        instances: &Arc<Instances>,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let Backend { service, release, .. } = &self.backend;
        let result = self.admitted(request, instances).await;
        if let Err(error) = &result
            // It is counted where it runs to its end.
            && !matches!(error, CallError::OnlyReads { .. })
        {
            let (outcome, took) = (error.outcome(service.name()), clock::elapsed(self.began));
            service.calls.ended(outcome, took);
            // No release is to blame for what its client does.
            if !matches!(error, CallError::ClientSlots { .. }) {
                release.calls.ended(outcome, took);
            }
        }
        result
    }

    fn deadline(&self) -> Instant {
        self.began + Duration::from_millis(self.backend.service.limits.deadline_ms)
    }

    async fn admitted<B>(
        &self,
        request: Request<B>,
        instances: &Arc<Instances>,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let Backend { service, release, .. } = &self.backend;
        let Some(program) = release.program.http() else {
            return Err(CallError::unavailable(service.name(), "its release is not a wasi:http component"));
        };
        if !release.circuit.lets_through() {
            return Err(CallError::circuit_is_open(service.name()));
        }
        let deadline = self.deadline();
        let refused = |refused| CallError::not_admitted(service.name(), refused);
        let slot = service.admission.enter_mounted(self.address, deadline, &service.calls).await.map_err(refused)?;
        let until = || service.admission.wait_until(deadline);
        let instance: Slot = Arc::new(instances.enter(service.name(), until).await.map_err(refused)?);
        let slot: Slot = Arc::new((slot, service.calls.run()));
        let (parts, body) = request.into_parts();
        self.run_until_committed(program, (parts, Replay::new(body)), &slot, &instance).await
    }

    async fn run_until_committed<B>(
        &self,
        program: &Arc<HttpProgram>,
        (parts, body): (Parts, Replay<B>),
        slot: &Slot,
        instance: &Slot,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<RequestBodyError>,
    {
        let service = &self.backend.service;
        let mut exclusive = None;
        // No other request can conflict with the exclusive run after them.
        for run in 1..=RUNS_BESIDE_OTHERS + 1 {
            let observer = Arc::new(RunObserver::new(&self.backend, self.client, slot));
            let request = Request::from_parts(parts.clone(), body.next_run());
            let begun = program.handle(request, self.frame(instance), Arc::clone(&observer) as _).await;
            let mut begun = begun.map_err(|failure| self.failed(&failure, body.bytes_max_exceeded()))?;
            if let Some(durable) = self.commit(&mut begun, exclusive.is_some()).await? {
                body.is_last();
                observer.response_begins(outcome(begun.status()), clock::elapsed(self.began));
                return Ok(begun.stream(durable));
            }
            begun.discard().await;
            if !body.can_repeat() {
                let why = "another request changed its data, and the body is too large to be read again";
                return Err(CallError::unavailable(service.name(), why));
            }
            if run >= RUNS_BESIDE_OTHERS && exclusive.is_none() {
                exclusive = Some(self.exclusive().await?);
            }
        }
        tracing::error!(service = %service.name(), request = self.id.as_str(), "an exclusive run had a conflict");
        Err(CallError::Failed { service: service.name().clone() })
    }

    /// Waits until no other request can commit.
    async fn exclusive(&self) -> Result<OwnedRwLockWriteGuard<()>, CallError> {
        let service = &self.backend.service;
        let lock = timeout_at(self.deadline().into(), Arc::clone(&service.exclusive).write_owned()).await;
        lock.map_err(|_elapsed| CallError::Deadline { service: service.name().clone() })
    }

    fn frame(&self, instance: &Slot) -> HttpFrame {
        let Backend { service, generation, .. } = &self.backend;
        HttpFrame {
            request: self.id.clone(),
            deadline: self.deadline(),
            stream_deadline: self.began + Duration::from_millis(service.limits.stream_ms_max),
            instance: Slot::clone(instance),
            transaction: service.store.begin().in_generation(*generation),
            generation: *generation,
            identity: self.identity.clone(),
            only_reads: self.only_reads,
            seed: self.seed,
            time_unix_micros: self.time_unix_micros,
        }
    }

    /// Commits what the guest wrote before its response began, and resolves when everything that the response may show
    /// is durable. Returns up to which commit that is; `None` after a conflict.
    async fn commit(&self, begun: &mut BegunResponse, is_exclusive: bool) -> Result<Option<CommitSeq>, CallError> {
        let service = &self.backend.service;
        let call = CallId::of_seed(&self.seed);
        let number = match commit(service, begun.take_transaction(), call, is_exclusive, self.deadline()).await {
            Ok(number) => number.max(begun.reached()),
            Err(NotCommitted::Conflict(_)) => return Ok(None),
            Err(NotCommitted::Refused(refused)) => {
                let error = commit::refused(service.name(), &refused);
                let request = self.id.as_str();
                tracing::warn!(service = %service.name(), request, error = %refused, "commit refused");
                return Err(error);
            }
            Err(NotCommitted::Deadline) => return Err(CallError::Deadline { service: service.name().clone() }),
        };
        service.store.wait_durable(number).await?;
        Ok(Some(number))
    }

    /// The client's error for a run without a response.
    fn failed(&self, failure: &Failure, bytes_max_exceeded: Option<usize>) -> CallError {
        let service = self.backend.service.name();
        // Guests usually end when their body does not arrive whole.
        if let Some(bytes_max) = bytes_max_exceeded.filter(|_| !failure.is_of_host()) {
            return CallError::BodyTooLarge { service: service.clone(), bytes_max };
        }
        if is_blamed(failure) {
            self.backend.count_failure(self.client);
        }
        error_of(failure, service)
    }
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        status if status.is_client_error() => Outcome::Refused,
        status if status.is_server_error() => Outcome::Failed,
        _ => Outcome::Ok,
    }
}
