//! Calls on a disk that the test controls, with fail points that panic.
//!
//! All other behaviour of calls is tested from outside, in `host/tests/it/calls`.

mod causes;
mod exclusive;
mod intents;
mod mounted;
mod output_gate;
mod panics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wasmtime::component::Val;

use crate::call::*;
use crate::config::{Grant, LimitSettings, RetrySettings, RuntimeSettings, StoreSettings};
use crate::contract::Contracts;
use crate::journal::simulated::SimulatedDisk;
use crate::names::{Digest, Generation, HostSecret, RequestId, ServiceName};
use crate::observe::calls::CallFigures;
use crate::runtime::{LinkSettings, Runtime};
use crate::store::Stores;
use crate::tasks::Tasks;

pub(in crate::call) const LIMITS: LimitSettings = LimitSettings {
    memory_bytes_max: 8 << 20,
    deadline_ms: 20_000,
    body_bytes_max: 1 << 20,
    stream_ms_max: 60_000,
    handles_max: 1_024,
    calls_in_flight_max: 64,
    client_calls_percent_max: 100,
    function_calls_in_flight_max: std::collections::BTreeMap::new(),
    instances_reserved: 1,
    calls_waiting_max: 64,
    wait_ms_max: 1_000,
    store_bytes_max: 1 << 20,
    kept_bytes_max: 1 << 20,
    events_per_call_max: 10,
    answer_bytes_max: 10_000,
    log_bytes_per_second: 1_000,
    reuse: true,
    call_depth_max: 3,
    circuit_failures: 1_000,
    circuit_clients: 1,
    circuit_open_ms: 1_000,
};

const RETRIES: RetrySettings = RetrySettings {
    answers_kept_ms: 60_000,
    memos_kept_ms: 60_000,
    intents_keep_releases: true,
    intents_at_once: 4,
    intent_retry_ms_min: 10,
    intent_retry_ms_max: 100,
};

const REUSE: ReuseBounds = ReuseBounds { bytes_max: 64 << 20, authentication_ms_max: 1_000 };

pub(in crate::call) const STORE: StoreSettings = StoreSettings {
    segment_bytes: 1 << 20,
    overlay_bytes_max: 1 << 20,
    checkpoint_ms_max: 60_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

const RUNTIME: RuntimeSettings = RuntimeSettings {
    instances_max: 64,
    core_instances_per_component_max: 16,
    memories_per_component_max: 3,
    memory_keep_resident_bytes: 2 << 20,
    // Long, so that no call continues in another thread: fail points are armed for one thread.
    epoch_ms: 1_000,
    compiled_bytes_max: 1 << 30,
    reuse_bytes_max: 64 << 20,
};

/// A host that has only the live releases.
struct NoOthers;

impl PinnedReleases for NoOthers {
    fn table(&self, _releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>> {
        None
    }
}

/// The services `front` and `back` over a simulated disk.
struct Rig {
    disk: SimulatedDisk,
    stores: Stores,
    calls: Calls,
}

impl Rig {
    fn new() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let component = project.join("../target/wasm32-wasip2/release/callers.wasm");
        let component = std::fs::read(&component).expect("`cargo xtask test` builds the guests first");
        let contracts = Contracts::read(&project.join("tests/wit")).unwrap();
        let runtime = Runtime::new(&RUNTIME, Tasks::default().outages()).unwrap();
        let code = runtime.compile(&component).unwrap();
        let disk = SimulatedDisk::new(1);
        let names = ["front", "back"].map(|name| ServiceName::parse(name).unwrap());
        let quotas = names.clone().map(|name| (name, LIMITS.store_bytes_max));
        let stores = Stores::open_on(&disk.as_disk(), &STORE, &quotas, None).unwrap();
        let backends = names.map(|service| {
            let world = contracts.world(&format!("test:calls/{service}-service")).unwrap();
            let settings = LinkSettings {
                service: service.clone(),
                environment: Vec::new(),
                outbound_hosts: Vec::new(),
                limits: LIMITS,
            };
            let program = runtime.link(&code, &world, settings).unwrap();
            let release =
                LoadedRelease::new(Digest::of(&component), world, LinkedComponent::Contract(program), &LIMITS, 0);
            let store = stores.service(&service).unwrap();
            Backend {
                service: Arc::new(Service::new(service, store, LIMITS)),
                release: Arc::new(release),
                generation: Generation::First,
            }
        });
        let routing = Routing::new(&backends, Vec::new(), &[]).unwrap();
        let calls = Calls::new(routing, 64, stores.clone(), Tasks::default(), REUSE, RETRIES, HostSecret::new([7; 32]))
            .unwrap();
        Self { disk, stores, calls }
    }

    /// Begins a call of `front.write` or `front.read`.
    fn begin(&self, name: &str, script: &str) -> JoinHandle<Result<Answer, CallError>> {
        self.begin_with("front", name, script, None)
    }

    /// Like [`Rig::begin`], for any service, and with a client's key if given.
    #[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
    fn begin_with(
        &self,
        service: &str,
        name: &str,
        script: &str,
        key: Option<&str>,
    ) -> JoinHandle<Result<Answer, CallError>> {
        let routing = self.calls.routing();
        let backend = routing.live().backend(&ServiceName::parse(service).unwrap()).unwrap();
        let mut functions = backend.release.world.exports.iter().flat_map(|interface| &interface.functions);
        let arguments = vec![Val::String(script.into())];
        let scope = RequestScope { caller: "anna", client: &[], path_has_secret: false, method: "POST", path: name };
        let call = RootCall {
            service: backend.service.name().clone(),
            function: Arc::clone(functions.find(|function| &*function.name.wit == name).unwrap()),
            key: key.map(|key| RequestKey::new(scope, key, &arguments)),
            arguments,
            identity: None,
            request: RequestId::from_bits(7),
            span: crate::observe::traces::ParentSpan::none(),
            takes_body: false,
        };
        let calls = self.calls.clone();
        let routing = self.calls.routing();
        tokio::spawn(async move { calls.call(call, &routing, Origin::HOST).await.map(|called| called.answer) })
    }

    /// Runs calls while syncs are blocked, until each only waits for the disk.
    async fn begin_held(&self, scripts: &[(&str, &str)]) -> Vec<JoinHandle<Result<Answer, CallError>>> {
        // The first write opens the journal's segment, which needs additional syncs.
        self.begin("write", "set untouched 1").await.unwrap().unwrap();
        self.disk.hold_syncs();
        let mut begun = Vec::new();
        for (name, script) in scripts {
            let before = self.ended();
            begun.push(self.begin(name, script));
            while self.ended() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // Runs other calls completely: an answer that left the host too early would have arrived by then.
        for _ in 0..10 {
            self.begin("read", "get untouched; back.read{get untouched}").await.unwrap().unwrap();
        }
        begun
    }

    /// Waits until `holds` is true, which must be soon.
    async fn soon(&self, what: &str, holds: impl Fn() -> bool) {
        let wait = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap_or_else(|_| panic!("{what} does not come"));
    }

    /// Leaves an open intent of `front`, whose call writes in `back` and fails.
    async fn leave_intent(&self) {
        let call = self.begin("write", "back.write{add m}; panic why");
        self.soon("the intent", || !self.calls.intents().is_empty()).await;
        call.abort();
    }

    /// Runs the calls of open intents.
    #[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
    fn recover(&self) -> JoinHandle<()> {
        tokio::spawn(self.calls.clone().recover(Arc::new(NoOthers)))
    }

    /// The number of ended calls of `front`, answered or not.
    fn ended(&self) -> u64 {
        self.figures().calls
    }

    /// The number of its calls that did not run.
    fn reused(&self) -> u64 {
        self.figures().reused
    }

    fn figures(&self) -> CallFigures {
        let routing = self.calls.routing();
        let front = routing.live().backends().find(|backend| backend.service.name().as_str() == "front");
        front.expect("the service front").service.figures()
    }
}
