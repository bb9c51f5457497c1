//! The inputs of one run of a function, and its results.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Val;

use super::failure::{Failure, OutboundError};
use super::uses::Uses;
use crate::contract::Function;
use crate::names::{CommitSeq, Identity, RequestId, ServiceName};
use crate::store::Transaction;

/// The inputs of one run of a function. A re-run of a call gets a new frame with the same seed and time.
pub struct Frame {
    pub transaction: Transaction,
    pub identity: Option<Identity>,
    pub calling_service: Option<ServiceName>,
    /// The source of all randomness in the guest. No other service may know it.
    pub seed: [u8; 32],
    /// The time of the guest's wall clock.
    pub time_unix_micros: u64,
    /// The run ends with [`Failure::Deadline`] if it still runs at this time.
    pub deadline: Instant,
    pub outbound: Box<dyn Outbound>,
    pub request: RequestId,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("request", &self.request)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// The results of a run, however it ended.
pub struct Finished {
    /// The result of the function; `None` if it has none. A WIT `result` is a `Val::Result`.
    pub result: Result<Option<Val>, Failure>,
    /// It contains all writes of the run; the caller decides whether to commit them.
    pub transaction: Transaction,
    /// What the run itself used. The calls that it made are not in it.
    pub uses: Uses,
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished").field("result", &self.result).finish_non_exhaustive()
    }
}

/// The future of an [`Outbound`] call.
pub type OutboundFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<Val>, OutboundError>> + Send + 'a>>;

/// The calls that a running guest makes to other services. The part above this one makes them, and records what it
/// needs after the run.
pub trait Outbound: Send {
    /// Calls `import` of another service. The guest gets the function's result; an error ends the guest's run with
    /// [`Failure::Nested`].
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the guest's deadline passes.
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a>;

    /// Records that the run has read the commits up to `saw`, and returns the highest commit that the root call, and
    /// every call below it, made or read so far.
    fn reach(&mut self, saw: CommitSeq) -> CommitSeq;

    /// Like [`Outbound::reach`], for data that is about to leave the host and waits until that commit is durable.
    fn leave(&mut self, saw: CommitSeq) -> CommitSeq {
        self.reach(saw)
    }
}
