//! One call from its admission to its end: it passes the circuit, gets a slot, runs, and is counted.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use wasmtime::component::Val;

use super::answer::{Answer, CallError, outcome};
use super::exclusive::ExclusiveRun;
use super::root::Root;
use super::seed::Seed;
use crate::call::reuse::{CachedAnswer, Provenance};
use crate::call::routing::Backend;
use crate::clock;
use crate::contract::Function;
use crate::names::ServiceName;
use crate::observe::traces::ParentSpan;

/// One call: its function, its caller, and its limits.
#[derive(Debug)]
pub(in crate::call) struct Call {
    pub(in crate::call::engine) root: Arc<Root>,
    pub(in crate::call::engine) backend: Backend,
    pub(in crate::call::engine) function: Arc<Function>,
    pub(in crate::call::engine) arguments: Arc<[Val]>,
    pub(in crate::call::engine) calling_service: Option<ServiceName>,
    /// 1 for a root call.
    pub(in crate::call::engine) depth: usize,
    pub(in crate::call::engine) begun: Instant,
    pub(in crate::call::engine) deadline: Instant,
    pub(in crate::call::engine) seed: Seed,
    /// Whether it, or a call above it, is read-only.
    pub(in crate::call::engine) read_only: bool,
    /// The exclusive run that it belongs to.
    pub(in crate::call::engine) exclusive: Option<Arc<ExclusiveRun>>,
    /// The parent of the spans of its nested calls.
    pub(in crate::call::engine) span: ParentSpan,
}

/// The end of a call.
#[derive(Debug)]
pub(in crate::call) struct Ended {
    pub(in crate::call) answer: Answer,
    /// What the answer depends on, if that was recorded: only of a call that reads.
    pub(in crate::call) provenance: Option<Provenance>,
    /// Whether its answer was committed with its writes, for the same call in a later run.
    pub(in crate::call) has_memo: bool,
    /// The answer in the cache.
    pub(in crate::call) cached: Option<Arc<CachedAnswer>>,
    /// Whether it did not run, because the cache had its answer.
    pub(in crate::call) is_reused: bool,
}

impl Call {
    pub(in crate::call) fn root(root: &Arc<Root>, backend: &Backend) -> Arc<Self> {
        let details = &root.details;
        let begun = clock::now();
        Arc::new(Self {
            root: Arc::clone(root),
            backend: backend.clone(),
            read_only: details.function.reads_only(),
            function: Arc::clone(&details.function),
            arguments: Arc::clone(&details.arguments),
            calling_service: details.calling_service.clone(),
            depth: 1,
            begun,
            deadline: begun + Duration::from_millis(backend.service.limits.deadline_ms),
            seed: details.seed,
            exclusive: None,
            span: details.span.clone(),
        })
    }

    pub(in crate::call) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Runs the call until its effects have a place in the journal, though they may not be durable yet.
    ///
    /// A panic of the host meanwhile is an error like a trap: the call releases all its resources.
    pub(in crate::call) async fn execute(self: Arc<Self>) -> Result<Ended, CallError> {
        let result = match AssertUnwindSafe(self.admitted()).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => Err(self.panicked(&*panic)),
        };
        let Backend { service, release, .. } = &self.backend;
        let outcome = outcome(service.name(), result.as_ref().map(|ended| &ended.answer));
        let took = clock::elapsed(self.begun);
        if self.function.reads_only() && result.is_ok() {
            let identity = self.root.details.identity.as_ref();
            service.recent.record(&self.function, &self.arguments, identity, self.calling_service.as_ref());
        }
        service.calls.ended(outcome, took);
        release.calls.ended(outcome, took);
        result
    }

    pub(in crate::call::engine) fn is_root(&self) -> bool {
        self.depth == 1
    }

    async fn admitted(self: &Arc<Self>) -> Result<Ended, CallError> {
        let key = self.answer_key();
        if let Some(ended) = key.as_ref().and_then(|key| self.reuse(key)) {
            return Ok(ended);
        }
        // In a box: it is large, and would move several times, also for a reused answer.
        let mut ended = Box::pin(self.run_admitted()).await?;
        if let Some(key) = &key {
            self.cache(key, &mut ended);
        }
        Ok(ended)
    }

    async fn run_admitted(self: &Arc<Self>) -> Result<Ended, CallError> {
        let Backend { service, release, .. } = &self.backend;
        if !release.circuit.lets_through() {
            return Err(CallError::circuit_is_open(service.name()));
        }
        let refused = |refused| CallError::not_admitted(service.name(), refused);
        let slot = service.admission.enter(&self.function, self.deadline, &service.calls).await;
        let _slot = slot.map_err(refused)?;
        let until = || service.admission.wait_until(self.deadline);
        let _instance = self.root.instances.enter(service.name(), until).await.map_err(refused)?;
        let _running = service.calls.run();
        let result = self.run_until_committed().await;
        if result.is_ok() {
            release.circuit.succeeded();
        }
        result
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> CallError {
        let service = self.backend.service.name();
        if self.backend.service.log_limits.allows("the host panicked during a call") {
            let (function, request) = (&self.function.name.wit, self.root.details.request.as_str());
            let panic = panic_message(panic);
            tracing::error!(%service, %function, request, panic, "the host panicked during a call");
        }
        self.count_failure();
        CallError::Failed { service: service.clone() }
    }

    /// Counts a failure of the release, unless the host repeats the call by itself: then all failures belong to one
    /// call.
    pub(in crate::call::engine) fn count_failure(&self) {
        if let Some(client) = self.root.details.client {
            self.backend.count_failure(client);
        }
    }
}

/// The text of a panic.
pub(in crate::call) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}
