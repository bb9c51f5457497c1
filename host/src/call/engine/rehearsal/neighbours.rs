//! The other services in a rehearsal: their live releases answer, on one snapshot each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::Val;

use crate::call::routing::{Backend, RoutingTable};
use crate::contract::Function;
use crate::limits::REHEARSED_DEPTH_MAX;
use crate::names::{CommitSeq, ServiceName};
use crate::runtime::{Finished, Frame, Outbound, OutboundError, OutboundFuture};
use crate::store::PinnedSnapshot;

/// Why a call of a rehearsal has no answer. It says nothing about the release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRehearsed {
    #[error("it calls {function} of another service, which may write")]
    Writes { function: Arc<str> },
    #[error("it calls {function}, which no service exports")]
    NoService { function: Arc<str> },
    #[error("its calls are {REHEARSED_DEPTH_MAX} services deep")]
    Depth,
    #[error("{service} has no answer for it")]
    NoAnswer { service: ServiceName },
}

/// The live releases, with a snapshot of each service that was called.
#[derive(Debug)]
pub(super) struct Neighbours {
    table: Arc<RoutingTable>,
    snapshots: Mutex<HashMap<ServiceName, PinnedSnapshot>>,
}

/// The inputs that a call passes to the calls below it.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub(super) identity: Option<crate::names::Identity>,
    pub(super) seed: [u8; 32],
    pub(super) time_unix_micros: u64,
    pub(super) deadline: std::time::Instant,
    pub(super) request: crate::names::RequestId,
}

/// The calls that one call of `caller` makes.
pub(super) struct Calls {
    neighbours: Arc<Neighbours>,
    inputs: Inputs,
    caller: ServiceName,
    depth: usize,
}

impl Neighbours {
    pub(super) fn new(table: Arc<RoutingTable>) -> Arc<Self> {
        Arc::new(Self { table, snapshots: Mutex::default() })
    }

    pub(super) fn calls_of(self: &Arc<Self>, caller: &ServiceName, inputs: &Inputs) -> Box<dyn Outbound> {
        Box::new(Calls { neighbours: Arc::clone(self), inputs: inputs.clone(), caller: caller.clone(), depth: 1 })
    }

    /// The snapshot of a service: the same one for all calls of a rehearsal.
    fn snapshot(&self, backend: &Backend) -> Option<PinnedSnapshot> {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let name = backend.service.name();
        if let Some(known) = snapshots.get(name) {
            return Some(known.clone());
        }
        let snapshot = backend.service.store.begin().in_generation(backend.generation).snapshot()?;
        snapshots.insert(name.clone(), snapshot.clone());
        Some(snapshot)
    }
}

impl Calls {
    async fn answer(&self, import: &Arc<Function>, arguments: &[Val]) -> Result<Option<Val>, NotRehearsed> {
        let name = || Arc::clone(&import.name.wit);
        let Some((backend, function)) = self.neighbours.table.exporter(import) else {
            return Err(NotRehearsed::NoService { function: name() });
        };
        if !function.reads_only() {
            return Err(NotRehearsed::Writes { function: name() });
        }
        if self.depth >= REHEARSED_DEPTH_MAX {
            return Err(NotRehearsed::Depth);
        }
        let service = backend.service.name();
        let no_answer = || NotRehearsed::NoAnswer { service: service.clone() };
        let program = backend.release.program.contract().ok_or_else(no_answer)?;
        let snapshot = self.neighbours.snapshot(backend).and_then(|snapshot| snapshot.rehearse());
        let transaction = snapshot.ok_or_else(no_answer)?.only_reading();
        let Inputs { identity, seed, time_unix_micros, deadline, request } = self.inputs.clone();
        let (neighbours, inputs, caller) = (Arc::clone(&self.neighbours), self.inputs.clone(), service.clone());
        let frame = Frame {
            transaction,
            identity,
            calling_service: Some(self.caller.clone()),
            seed,
            time_unix_micros,
            deadline,
            outbound: Box::new(Self { neighbours, inputs, caller, depth: self.depth + 1 }),
            request,
        };
        let Finished { result, .. } = program.run(function, arguments, frame).await;
        result.map_err(|_logged| no_answer())
    }
}

impl Outbound for Calls {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async move { self.answer(import, arguments).await.map_err(|error| OutboundError(Box::new(error))) })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}
