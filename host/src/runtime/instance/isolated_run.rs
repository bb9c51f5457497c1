//! Isolated runs: a migration, a smoke call. Such a run has no caller. It has its service's store, time and randomness, and
//! reaches nothing else.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Val;

use super::failure::OutboundError;
use super::frame::{Frame, Outbound, OutboundFuture};
use crate::contract::Function;
use crate::names::{CommitSeq, RequestId};
use crate::store::Transaction;

/// What an isolated run is given. It has no caller; a call to another service, or an event, ends it with
/// [`super::Failure::Nested`], and a request to an outside host is denied.
#[derive(Debug)]
pub struct IsolatedFrame {
    pub transaction: Transaction,
    /// All randomness that the guest sees comes from it.
    pub seed: [u8; 32],
    /// What the guest's wall clock shows.
    pub time_unix_micros: u64,
    /// When the run ends with [`super::Failure::Deadline`] if it has not ended by itself.
    pub deadline: Instant,
    pub request: RequestId,
}

/// What an isolated run attempted and may not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    #[error("it called {interface}#{function}, but a migration or a smoke call reaches no other service")]
    Call { interface: Arc<str>, function: Arc<str> },
    #[error("it emitted {interface}#{function}, but a migration or a smoke call emits no events")]
    Event { interface: Arc<str>, function: Arc<str> },
}

impl IsolationError {
    pub(in crate::runtime) fn call(function: &Function) -> OutboundError {
        let (interface, function) = (Arc::clone(&function.interface), Arc::clone(&function.name.wit));
        OutboundError(Box::new(Self::Call { interface, function }))
    }

    pub(in crate::runtime) fn event(event: &Function) -> OutboundError {
        let (interface, function) = (Arc::clone(&event.interface), Arc::clone(&event.name.wit));
        OutboundError(Box::new(Self::Event { interface, function }))
    }
}

impl IsolatedFrame {
    pub(in crate::runtime) fn into_frame(self) -> Frame {
        let Self { transaction, seed, time_unix_micros, deadline, request } = self;
        let (identity, calling_service, outbound) = (None, None, Box::new(Nobody));
        Frame { transaction, identity, calling_service, seed, time_unix_micros, deadline, outbound, request }
    }
}

/// The services that an isolated run reaches.
struct Nobody;

impl Outbound for Nobody {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(std::future::ready(Err(IsolationError::call(import))))
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}
