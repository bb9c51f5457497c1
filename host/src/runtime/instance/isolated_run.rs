//! Isolated runs: a migration, or a smoke call. Such a run has no caller. It has its service's store, time and
//! randomness, and reaches nothing else.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Val;

use super::failure::OutboundError;
use super::frame::{Frame, Outbound, OutboundFuture};
use crate::contract::Function;
use crate::names::{CommitSeq, RequestId};
use crate::store::Transaction;

/// The inputs of an isolated run. It has no caller; a call to another service, or an event, ends it with
/// [`super::Failure::Nested`], and a request to an outside host is denied.
#[derive(Debug)]
pub struct IsolatedFrame {
    pub transaction: Transaction,
    /// The source of all randomness in the guest.
    pub seed: [u8; 32],
    /// The time of the guest's wall clock.
    pub time_unix_micros: u64,
    /// The run ends with [`super::Failure::Deadline`] if it still runs at this time.
    pub deadline: Instant,
    pub request: RequestId,
}

/// A forbidden action that an isolated run attempted.
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
        let (identity, calling_service, outbound) = (None, None, Box::new(NoServices));
        Frame { transaction, identity, calling_service, seed, time_unix_micros, deadline, outbound, request }
    }
}

/// The other services for an isolated run: there are none.
struct NoServices;

impl Outbound for NoServices {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(std::future::ready(Err(IsolationError::call(import))))
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}
