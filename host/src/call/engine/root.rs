//! What a root call and all calls below it share: its releases, identity, time and randomness, and what it has reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::component::Val;

use super::persistence::Persistence;
use super::seed::Seed;
use crate::call::routing::RoutingTable;
use crate::call::routing::circuit::Client;
use crate::contract::Function;
use crate::names::{CallId, CommitSeq, Identity, RequestId, ServiceName};

#[derive(Debug)]
pub(in crate::call) struct Root {
    pub(in crate::call) table: Arc<RoutingTable>,
    pub(in crate::call) details: RootDetails,
    pub(in crate::call) persistence: Arc<dyn Persistence>,
    /// How many effects the calls below this one had that stay when it fails.
    effects: AtomicU64,
    /// The highest commit that this call, or one below it, made or saw.
    reached: AtomicU64,
}

/// What makes a root call: it stays the same in every run.
#[derive(Debug, Clone)]
pub(in crate::call) struct RootDetails {
    pub(in crate::call) service: ServiceName,
    pub(in crate::call) function: Arc<Function>,
    pub(in crate::call) arguments: Arc<[Val]>,
    pub(in crate::call) identity: Option<Identity>,
    /// The service that the component sees as its caller.
    pub(in crate::call) calling_service: Option<ServiceName>,
    pub(in crate::call) request: RequestId,
    pub(in crate::call) seed: Seed,
    pub(in crate::call) time_unix_micros: u64,
    /// The client that the circuit counts its failures for; none for a call that the host repeats by itself.
    pub(in crate::call) client: Option<Client>,
    /// Whether it may have run before: then there may be memos of the calls below it.
    pub(in crate::call) may_have_run: bool,
}

impl Root {
    /// `caused_by` is the last commit that led to the call: nothing of the call leaves the host before it is durable.
    pub(in crate::call) fn new(
        table: Arc<RoutingTable>,
        details: RootDetails,
        persistence: Arc<dyn Persistence>,
        caused_by: CommitSeq,
    ) -> Arc<Self> {
        let (effects, reached) = (AtomicU64::new(0), AtomicU64::new(caused_by.0));
        Arc::new(Self { table, details, persistence, effects, reached })
    }

    pub(in crate::call) fn id(&self) -> CallId {
        CallId::of_seed(&self.details.seed)
    }

    pub(in crate::call) fn reach(&self, number: CommitSeq) {
        self.reached.fetch_max(number.0, Ordering::Relaxed);
    }

    pub(in crate::call) fn reached(&self) -> CommitSeq {
        CommitSeq(self.reached.load(Ordering::Relaxed))
    }

    pub(in crate::call) fn effects(&self) -> u64 {
        self.effects.load(Ordering::Relaxed)
    }

    pub(in crate::call) fn had_effect(&self) {
        self.effects.fetch_add(1, Ordering::Relaxed);
    }
}
