//! The state that a root call and all calls below it share: its releases, identity, time and randomness, and its last
//! commit. It also declares what the engine needs from the part that persists calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::future::BoxFuture;
use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::seed::Seed;
use crate::call::routing::circuit::Client;
use crate::call::routing::instances::Instances;
use crate::call::routing::{Backend, RoutingTable};
use crate::contract::Function;
use crate::names::{CallId, CommitSeq, Identity, RequestId, ServiceName};
use crate::observe::traces::ParentSpan;
use crate::store::system::RowWrite;

#[derive(Debug)]
pub(in crate::call) struct Root {
    pub(in crate::call) table: Arc<RoutingTable>,
    pub(in crate::call) details: RootDetails,
    pub(in crate::call) persistence: Arc<dyn Persistence>,
    pub(in crate::call) instances: Arc<Instances>,
    /// The number of effects of nested calls. They stay when the root call fails.
    effects: AtomicU64,
    /// The highest commit that this call, or one below it, made or read.
    reached: AtomicU64,
}

/// The inputs of a root call: they are the same in every run.
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
    /// The client for which the circuit counts its failures; none for a call that the host repeats by itself.
    pub(in crate::call) client: Option<Client>,
    /// Whether it may have run before: then there may be memos of its nested calls.
    pub(in crate::call) may_have_run: bool,
    /// The parent of the spans of all that it does.
    pub(in crate::call) span: ParentSpan,
    /// Whether the caller needs no value if a cached answer has its encoded body.
    pub(in crate::call) takes_body: bool,
}

impl Root {
    /// `caused_by` is the last commit that led to the call: nothing of the call leaves the host before that commit is
    /// durable.
    pub(in crate::call) fn new(
        table: Arc<RoutingTable>,
        details: RootDetails,
        persistence: Arc<dyn Persistence>,
        instances: &Arc<Instances>,
        caused_by: CommitSeq,
    ) -> Arc<Self> {
        let (effects, reached) = (AtomicU64::new(0), AtomicU64::new(caused_by.0));
        let instances = Arc::clone(instances);
        Arc::new(Self { table, details, persistence, instances, effects, reached })
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

/// Persists one root call and the calls below it, so that a later run of it takes the same path.
pub(in crate::call) trait Persistence: fmt::Debug + Send + Sync {
    /// The answer of an earlier run for the nested call with `seed`, from the store of one of `backends`.
    fn recall(
        &self,
        root: &Root,
        backends: &[&Backend],
        function: &Function,
        seed: &Seed,
    ) -> Result<Option<Answer>, CallError>;

    /// Called before a nested call that may write. It commits the root call's intent, and the answers that the caller
    /// has received and that are in no commit yet, so that they precede the effect in the journal.
    fn persist_before_effect<'a>(&'a self, before: BeforeEffect<'a>) -> BoxFuture<'a, Result<(), CallError>>;

    /// The row to commit in the store of `backend`: the answer of the nested call with `seed`.
    fn memo(&self, root: &Root, backend: &Backend, seed: &Seed, answer: &Answer) -> Result<RowWrite, CallError>;

    /// The rows to commit at the end of the root call, whether its writes are kept or not.
    fn rows_at_end(&self, root: &Root, backend: &Backend, answer: &Answer) -> Result<Vec<RowWrite>, CallError>;

    /// Called when the commit with these rows has its place in the journal: the root call never runs again.
    fn has_ended(&self);
}

/// A call that is about to make a nested call that may write.
#[derive(Debug)]
pub(in crate::call) struct BeforeEffect<'a> {
    pub(in crate::call) root: &'a Root,
    pub(in crate::call) caller: &'a Backend,
    pub(in crate::call) caller_seed: &'a Seed,
    pub(in crate::call) deadline: Instant,
    /// The answers that the caller has received and that are in no commit yet.
    pub(in crate::call) answers: Vec<(Seed, Answer)>,
}
