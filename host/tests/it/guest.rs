//! Runs the functions of `hostile.wasm`, with a store of its own, the way a host does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard::config::{LimitSettings, RuntimeSettings, StoreSettings};
use switchyard::contract::{Contracts, Function, World};
use switchyard::names::{CallId, CommitSeq, HostSecret, Identity, RequestId, ServiceName};
use switchyard::runtime::{
    Failure, Finished, Frame, IsolatedFrame, LinkSettings, Outbound, OutboundError, OutboundFuture, Program, Runtime,
};
use switchyard::store::{CommitDetails, Store, Stores};
use switchyard::tasks::Outages;
use wasmtime::component::Val;

/// A small host: one program of the hostile component, linked to its contract.
pub(crate) struct Guest {
    pub(crate) program: Arc<Program>,
    pub(crate) world: Arc<World>,
    limits: LimitSettings,
    store: Store,
    /// Where they end, commits end.
    _stores: Stores,
    _data: tempfile::TempDir,
}

/// What another service answers to a guest of the tests.
#[derive(Clone)]
pub(crate) enum Peer {
    /// The same to every call.
    Answers(Val),
    /// An error that no contract has a case for.
    Breaks,
    Never,
    /// The guest's own component, so many calls deep.
    Around(Arc<Guest>, u32),
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) &'static str);

impl Outbound for Peer {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async move {
            match self {
                Self::Answers(answer) => Ok(Some(answer.clone())),
                Self::Breaks => Err(OutboundError(Box::new(Broken("the peer is broken")))),
                Self::Never => std::future::pending().await,
                Self::Around(_, 0) => Err(OutboundError(Box::new(Broken("call_depth_max")))),
                Self::Around(guest, left) => {
                    let frame = guest.frame(Self::Around(Arc::clone(guest), *left - 1));
                    let finished = guest.program.run(import, arguments, frame).await;
                    finished.result.map_err(|failure| OutboundError(Box::new(failure)))
                }
            }
        })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}

/// The file `name` that cargo built for guests.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let path = workspace().join("target/wasm32-wasip2/release").join(name);
    std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; build the guests with `cargo xtask guests`", path.display()))
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A pool that is soon empty if something does not give its slot back.
pub(crate) fn runtime(instances_max: u32) -> Runtime {
    // The folder stays: compiling once is enough for all tests, today's and tomorrow's.
    caching_runtime(&runtime_settings(instances_max), &Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))
}

/// As [`runtime`]; what its guests print is logged by the thread of the test, as their first slices are long.
pub(crate) fn slow_ticking_runtime(instances_max: u32) -> Runtime {
    let settings = RuntimeSettings { epoch_ms: 50, ..runtime_settings(instances_max) };
    caching_runtime(&settings, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"))
}

/// A runtime that keeps compiled code in `folder`.
pub(crate) fn caching_runtime(settings: &RuntimeSettings, folder: &Path) -> Runtime {
    let runtime = Runtime::new(settings, &Outages::default()).unwrap();
    runtime.open_cache(folder, &HostSecret::new([7; 32])).unwrap();
    runtime
}

pub(crate) fn runtime_settings(instances_max: u32) -> RuntimeSettings {
    RuntimeSettings {
        instances_max,
        core_instances_per_component_max: 16,
        memories_per_component_max: 3,
        memory_keep_resident_bytes: 2 << 20,
        epoch_ms: 1,
        compiled_bytes_max: 1 << 30,
        reuse_bytes_max: 64 << 20,
    }
}

/// Small limits, so that going over them takes little time.
pub(crate) fn limits() -> LimitSettings {
    LimitSettings {
        memory_bytes_max: 8 << 20,
        deadline_ms: 2_000,
        body_bytes_max: 1 << 20,
        stream_ms_max: 60_000,
        handles_max: 1_024,
        calls_in_flight_max: 4,
        client_calls_percent_max: 100,
        function_calls_in_flight_max: std::collections::BTreeMap::new(),
        instances_reserved: 1,
        calls_waiting_max: 4,
        wait_ms_max: 1_000,
        store_bytes_max: 16 << 20,
        kept_bytes_max: 16 << 20,
        events_per_call_max: 10,
        answer_bytes_max: 10_000,
        log_bytes_per_second: 1_000,
        reuse: true,
        call_depth_max: 3,
        circuit_failures: 5,
        circuit_clients: 1,
        circuit_open_ms: 1_000,
    }
}

/// What the service `hostile` gives its component: a greeting, and no hosts outside.
/// Reuse of answers, with room for all.
pub(crate) const REUSE: switchyard::call::ReuseBounds =
    switchyard::call::ReuseBounds { bytes_max: 64 << 20, authentication_ms_max: 0 };

pub(crate) fn link_settings(limits: LimitSettings) -> LinkSettings {
    LinkSettings {
        service: ServiceName::parse("hostile").unwrap(),
        environment: vec![("GREETING".into(), "hello".into())],
        outbound_hosts: Vec::new(),
        limits,
    }
}

impl Guest {
    pub(crate) fn new(runtime: &Runtime, limits: LimitSettings) -> Arc<Self> {
        Self::of("hostile.wasm", "test:hostile/hostile", link_settings(limits), runtime)
    }

    pub(crate) fn of(file: &str, world: &str, settings: LinkSettings, runtime: &Runtime) -> Arc<Self> {
        let contracts = Contracts::read(&workspace().join("host/tests/wit")).unwrap();
        let world = contracts.world(world).unwrap();
        let code = runtime.compile(&component(file)).unwrap();
        let limits = settings.limits.clone();
        let program = runtime.link(&code, &world, settings).unwrap();
        let data = tempfile::tempdir().unwrap();
        let services = [(ServiceName::parse("hostile").unwrap(), limits.store_bytes_max)];
        let stores = Stores::open(data.path(), &store_settings(), &services).unwrap();
        let store = stores.service(&services[0].0).unwrap();
        Arc::new(Self { program, world, limits, store, _stores: stores, _data: data })
    }

    /// A frame whose call may take as long as the limits say.
    pub(crate) fn frame(&self, peer: Peer) -> Frame {
        let deadline = now() + Duration::from_millis(self.limits.deadline_ms);
        Frame {
            transaction: self.store.begin(),
            identity: Some(Identity { id: "anna".into(), role: "customer".into(), session: None }),
            calling_service: Some(ServiceName::parse("cart").unwrap()),
            seed: [7; 32],
            time_unix_micros: 1_700_000_000_000_000,
            deadline,
            outbound: Box::new(peer),
            request: RequestId::from_bits(7),
        }
    }

    /// A frame of a function that only reads.
    pub(crate) fn frame_read(&self, peer: Peer) -> Frame {
        Frame { transaction: self.store.begin_read(), ..self.frame(peer) }
    }

    /// What an isolated run gets that may write.
    pub(crate) fn isolated(&self) -> IsolatedFrame {
        let Frame { transaction, seed, time_unix_micros, deadline, request, .. } = self.frame(Peer::Breaks);
        IsolatedFrame { transaction, seed, time_unix_micros, deadline, request }
    }

    /// As [`Guest::isolated`], for what only reads.
    pub(crate) fn isolated_read(&self) -> IsolatedFrame {
        IsolatedFrame { transaction: self.store.begin_read(), ..self.isolated() }
    }

    /// Runs a function and commits what it did.
    pub(crate) async fn commit(&self, name: &str, arguments: &[Val]) -> Option<Val> {
        let finished = self.finish(name, arguments, self.frame(Peer::Breaks)).await;
        let details = CommitDetails { call: CallId([1; 16]), data_version: None };
        finished.transaction.commit(details).await.unwrap();
        finished.result.unwrap()
    }

    /// A function of the contract by its name.
    pub(crate) fn function(&self, name: &str) -> &Arc<Function> {
        let mut functions = self.world.exports.iter().flat_map(|interface| &interface.functions);
        functions.find(|function| &*function.name.wit == name).unwrap_or_else(|| panic!("no function {name}"))
    }

    pub(crate) async fn run(&self, name: &str, arguments: &[Val]) -> Result<Option<Val>, Failure> {
        self.finish(name, arguments, self.frame(Peer::Breaks)).await.result
    }

    pub(crate) async fn finish(&self, name: &str, arguments: &[Val], frame: Frame) -> Finished {
        self.program.run(self.function(name), arguments, frame).await
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no other clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn store_settings() -> StoreSettings {
    StoreSettings {
        segment_bytes: 64 << 20,
        overlay_bytes_max: 64 << 20,
        checkpoint_ms_max: 1_000,
        index_cache_bytes: 1 << 20,
        batch_commits_max: 64,
    }
}
