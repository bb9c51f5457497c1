//! What one run of a function is given, and what comes back of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Val;

use super::failure::{Failure, OutboundError};
use crate::contract::Function;
use crate::names::{CommitSeq, Identity, RequestId, ServiceName};
use crate::store::Transaction;

/// What one run of a function is given. A re-run of a call gets a new one with the same seed and time.
pub struct Frame {
    pub transaction: Transaction,
    pub identity: Option<Identity>,
    pub calling_service: Option<ServiceName>,
    /// All randomness that the guest sees comes from it. No other service may be able to know it.
    pub seed: [u8; 32],
    /// What the guest's wall clock shows.
    pub time_unix_micros: u64,
    /// When the run ends with [`Failure::Deadline`] if it has not ended by itself.
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

/// What comes back of a run, however it ended.
pub struct Finished {
    /// What the function returned; nothing where it has no result. A WIT `result` is a `Val::Result`.
    pub result: Result<Option<Val>, Failure>,
    /// With all that the run wrote into it: whether that is kept is up to the caller.
    pub transaction: Transaction,
}

impl std::fmt::Debug for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Finished").field("result", &self.result).finish_non_exhaustive()
    }
}

/// What an [`Outbound`] call resolves to.
pub type OutboundFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<Val>, OutboundError>> + Send + 'a>>;

/// The calls that a running guest makes to other services: the part above this one makes them, and keeps what it has to
/// know of them after the run.
pub trait Outbound: Send {
    /// Calls `import` of another service. What it gives goes to the guest as the function's result; an error ends the
    /// guest's run with [`Failure::Nested`].
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the guest's deadline passes.
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a>;

    /// Notes that the run has seen the commits up to `saw`, and gives the highest commit that the root call, and every
    /// call below it, made or saw so far.
    fn reach(&mut self, saw: CommitSeq) -> CommitSeq;

    /// As [`Outbound::reach`], for something that is about to leave the host: it waits until that is durable.
    fn leave(&mut self, saw: CommitSeq) -> CommitSeq {
        self.reach(saw)
    }
}
