//! Requests to mounted services, which speak HTTP themselves.
//!
//! Invariant: a request runs on one release, chosen when it begins. It keeps an instance until its guest has ended, and a
//! slot of its service until the last byte of its response is sent too, so slow readers use the slots of that service only.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Body;
use hyper::{Request, Response};

use super::answer::CallError;
use super::failure::LACKING;
use crate::call::routing::admission::Refused;
use crate::call::routing::circuit::Client;
use crate::call::routing::instances::Instances;
use crate::call::routing::{Backend, Origin, Routing};
use crate::clock;
use crate::names::{RequestId, ServiceName};
use crate::observe::calls::Outcome;
use crate::runtime::{Failure, HttpBody, HttpFrame};

impl Routing {
    /// As [`crate::call::Calls::serve`], in one of `instances`.
    pub(in crate::call) async fn serve<B>(
        &self,
        service: &ServiceName,
        request: Request<B>,
        id: RequestId,
        origin: Origin<'_>,
        instances: &Arc<Instances>,
    ) -> Result<Response<HttpBody>, CallError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // The table is dropped here: a mounted service has no data that a migration could change.
        let Some(backend) = self.choose(None, origin, false).backend(service).cloned() else {
            return Err(CallError::unavailable(service, "no such service"));
        };
        let began = clock::now();
        let result = respond(&backend, request, id, origin, instances).await;
        let outcome = match &result {
            Ok(response) if response.status().is_client_error() => Outcome::Refused,
            Ok(response) if response.status().is_server_error() => Outcome::Failed,
            Ok(_) => Outcome::Ok,
            Err(error) => error.outcome(service),
        };
        let took = clock::elapsed(began);
        backend.service.calls.ended(outcome, took);
        backend.release.calls.ended(outcome, took);
        result
    }
}

async fn respond<B>(
    Backend { service, release, .. }: &Backend,
    request: Request<B>,
    id: RequestId,
    origin: Origin<'_>,
    instances: &Arc<Instances>,
) -> Result<Response<HttpBody>, CallError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let Some(program) = release.program.http() else {
        return Err(CallError::unavailable(service.name(), "its release is not a wasi:http component"));
    };
    if !release.circuit.lets_through() {
        return Err(CallError::circuit_is_open(service.name()));
    }
    let deadline = clock::now() + Duration::from_millis(service.limits.deadline_ms);
    let refused = |refused: Refused| CallError::unavailable(service.name(), refused.why());
    let slot = service.admission.enter(None, deadline, &service.calls).await.map_err(refused)?;
    let until = || service.admission.wait_until(deadline);
    let instance = Arc::new(instances.enter(service.name(), until).await.map_err(refused)?);
    let slot = Arc::new((slot, service.calls.run()));
    match program.handle(request, HttpFrame { request: id, deadline, instance }, slot).await {
        Ok(response) => {
            release.circuit.succeeded();
            Ok(response)
        }
        Err(failure) => {
            // A client that sends its body slowly can use up the time of any guest that reads it.
            let blamed = !failure.is_of_host() && !matches!(failure, Failure::Deadline);
            if blamed && release.circuit.failed(Client::of(None, origin.client)) {
                tracing::error!(service = %service.name(), digest = %release.digest, "circuit opened");
            }
            Err(error_of(&failure, service.name().clone()))
        }
    }
}

/// The error for the client. The runtime has logged the reason.
fn error_of(failure: &Failure, service: ServiceName) -> CallError {
    match failure {
        Failure::Deadline => CallError::Deadline { service },
        Failure::Memory { .. } => CallError::OverLimit { service, limit: "memory_bytes_max" },
        Failure::Slots { .. } => CallError::unavailable(&service, "no instance is free"),
        Failure::Resources { .. } => CallError::unavailable(&service, LACKING),
        _ => CallError::Failed { service },
    }
}
