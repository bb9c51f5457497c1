//! The other services in a shadow run: they answer as in the live run.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::Val;

use crate::call::engine::record::NestedCall;
use crate::call::engine::seed::{Seed, encoded_arguments, nested_seed};
use crate::contract::Function;
use crate::names::CommitSeq;
use crate::runtime::{Outbound, OutboundError, OutboundFuture};

/// Replays the nested calls of a live run. The shadow run has one handle and its guest has the other.
#[derive(Debug, Clone)]
pub(in crate::call::engine) struct Replay(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    seed: Seed,
    live: Vec<NestedCall>,
    /// The number of calls that the run has made.
    position: usize,
    /// The function of its first call that the live run did not make.
    other: Option<Arc<Function>>,
}

/// The first nested call in which two runs differ.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::call::engine) struct Divergence {
    pub(in crate::call::engine) position: usize,
    /// The functions that each run called there; `None` for a run without a further call.
    pub(in crate::call::engine) live: Option<Arc<Function>>,
    pub(in crate::call::engine) candidate: Option<Arc<Function>>,
}

/// The live run has no answer for this call.
#[derive(Debug, thiserror::Error)]
#[error("the live release did not call {function} with the same arguments here")]
struct NotRecorded {
    function: Arc<str>,
}

impl Replay {
    pub(in crate::call::engine) fn new(seed: Seed, live: Vec<NestedCall>) -> Self {
        Self(Arc::new(Mutex::new(State { seed, live, position: 0, other: None })))
    }

    fn with<T>(&self, operation: impl FnOnce(&mut State) -> T) -> T {
        operation(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The point where the runs differ, if they do.
    pub(in crate::call::engine) fn divergence(&self) -> Option<Divergence> {
        self.with(|State { live, position, other, .. }| {
            let live = live.get(*position).map(|call| Arc::clone(&call.function));
            let candidate = other.take();
            (candidate.is_some() || live.is_some()).then_some(Divergence { position: *position, live, candidate })
        })
    }

    fn answer(&self, import: &Arc<Function>, arguments: &[Val]) -> Result<Option<Val>, OutboundError> {
        self.with(|State { seed, live, position, other }| {
            let seed = nested_seed(seed, *position, import, &encoded_arguments(arguments));
            match live.get(*position).filter(|call| call.seed == seed && other.is_none()) {
                Some(call) => {
                    *position += 1;
                    Ok(call.result.clone())
                }
                None => {
                    other.get_or_insert_with(|| Arc::clone(import));
                    Err(OutboundError(Box::new(NotRecorded { function: Arc::clone(&import.name.wit) })))
                }
            }
        })
    }
}

impl Outbound for Replay {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(std::future::ready(self.answer(import, arguments)))
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}
