//! One call from its admission to its end: counted, let in by the circuit and a slot, and run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::derive::Seed;
use super::nested::Held;
use super::root::Root;
use super::table::Backend;
use crate::clock;
use crate::contract::Function;
use crate::names::ServiceName;
use crate::observe::calls::Outcome;
use crate::store::ReadSet;
use crate::store::system::RowWrite;

/// One call: what runs, on whose behalf, and within which bounds.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) root: Arc<Root>,
    pub(super) backend: Backend,
    pub(super) function: Arc<Function>,
    pub(super) arguments: Arc<[Val]>,
    pub(super) calling_service: Option<ServiceName>,
    /// 1 for a root call.
    pub(super) depth: usize,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    pub(super) seed: Seed,
    /// Whether it, or a call above it, may only read.
    pub(super) read_only: bool,
    /// The lanes that calls above it hold.
    pub(super) held: Option<Arc<Held>>,
    /// Rows that are committed with what it writes.
    pub(super) entries: Vec<RowWrite>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) answer: Answer,
    /// What it read, if it only reads.
    pub(super) reads: Option<ReadSet>,
    /// Whether its answer is kept with what it wrote, for the same call again.
    pub(super) has_memo: bool,
}

impl Call {
    /// A call from outside.
    pub(super) fn root(root: &Arc<Root>, backend: &Backend) -> Self {
        let function = &root.function;
        let begun = clock::now();
        Self {
            root: Arc::clone(root),
            backend: backend.clone(),
            read_only: function.reads_only(),
            function: Arc::clone(function),
            arguments: Arc::clone(&root.arguments),
            calling_service: root.calling_service.clone(),
            depth: 1,
            begun,
            deadline: begun + Duration::from_millis(backend.service.limits.deadline_ms),
            seed: root.seed,
            held: None,
            entries: Vec::new(),
        }
    }

    /// Runs the call until its effects are in the order of the journal, though maybe not yet durable.
    pub(super) async fn execute(self) -> Result<Ended, CallError> {
        let result = self.admitted().await;
        let Backend { service, release } = &self.backend;
        let outcome = match &result {
            Ok(Ended { answer: Answer::Ok(_), .. }) => Outcome::Ok,
            Ok(Ended { answer: Answer::Err(_), .. }) => Outcome::Refused,
            Err(error) => error.outcome(service.name()),
        };
        let took = clock::elapsed(self.begun);
        service.calls.ended(outcome, took);
        release.calls.ended(outcome, took);
        result
    }

    /// Runs a read-only call, and tells what it read.
    pub(super) async fn read(self) -> Result<(Answer, ReadSet), CallError> {
        let service = self.backend.service.name().clone();
        let Ended { answer, reads, .. } = self.execute().await?;
        reads.map(|reads| (answer, reads)).ok_or(CallError::Failed { service })
    }

    pub(super) fn is_root(&self) -> bool {
        self.depth == 1
    }

    async fn admitted(&self) -> Result<Ended, CallError> {
        let Backend { service, release } = &self.backend;
        if !release.breaker.lets_through() {
            return Err(CallError::unavailable(service.name(), "its circuit is open after failures in a row"));
        }
        let _permit = match service.admission.enter(self.deadline, &service.calls).await {
            Ok(permit) => permit,
            Err(refused) => return Err(CallError::unavailable(service.name(), refused.why())),
        };
        let _running = service.calls.run();
        let result = self.run_until_committed().await;
        if result.is_ok() {
            release.breaker.succeeded();
        }
        result
    }
}
