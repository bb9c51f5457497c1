//! The other services as a shadow run meets them: they answer what they have answered to the live run.

use std::any::Any;
use std::sync::Arc;

use wasmtime::component::Val;

use super::derive::{Seed, nested_seed};
use super::nested::Made;
use crate::contract::Function;
use crate::names::CommitSeq;
use crate::runtime::{Outbound, OutboundError, OutboundFuture};

/// Plays the calls of a live run again.
#[derive(Debug)]
pub(super) struct Replay {
    seed: Seed,
    made: Vec<Made>,
    /// How many calls the run has made.
    position: usize,
    /// Where it made another call than the live one: the name of the function that it called.
    other: Option<Arc<Function>>,
}

/// Where the calls of two runs part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parted {
    pub(super) position: usize,
    /// The functions that each of them called there; nothing for one that made no more calls.
    pub(super) live: Option<Arc<Function>>,
    pub(super) candidate: Option<Arc<Function>>,
}

/// The live run has no answer for this call.
#[derive(Debug, thiserror::Error)]
#[error("the live release did not call {function} with the same arguments here")]
struct NotMade {
    function: Arc<str>,
}

impl Replay {
    pub(super) fn new(seed: Seed, made: Vec<Made>) -> Self {
        Self { seed, made, position: 0, other: None }
    }

    /// Takes it out of what a run gave back.
    pub(super) fn of(outbound: Box<dyn Outbound>) -> Option<Self> {
        let outbound: Box<dyn Any> = outbound;
        outbound.downcast().ok().map(|replay| *replay)
    }

    /// Where the runs part, if they do.
    pub(super) fn parted(self) -> Option<Parted> {
        let live = self.made.get(self.position).map(|made| Arc::clone(&made.function));
        (self.other.is_some() || live.is_some()).then_some(Parted {
            position: self.position,
            live,
            candidate: self.other,
        })
    }
}

impl Outbound for Replay {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        let seed = nested_seed(&self.seed, self.position, import, arguments);
        let answer = match self.made.get(self.position).filter(|made| made.seed == seed && self.other.is_none()) {
            Some(made) => {
                self.position += 1;
                Ok(made.result.clone())
            }
            None => {
                self.other.get_or_insert_with(|| Arc::clone(import));
                Err(OutboundError(Box::new(NotMade { function: Arc::clone(&import.name.wit) })))
            }
        };
        Box::pin(std::future::ready(answer))
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}
