//! Calls through the whole of `call`: two services that call each other, over real stores. What a call does is a script.

mod admission;
mod breaker;
mod commits;
mod conflicts;
mod hostile;
mod nested;
mod releases;
pub(crate) mod retries;
mod reuse;
mod reuse_model;
mod sessions;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use switchyard::call::{
    Answer, Backend, CallError, Calls, LinkedComponent, LoadedRelease, Origin, RequestKey, RequestScope, ReuseBounds,
    RootCall, Routing, Service,
};
use switchyard::config::{LimitSettings, RetrySettings};
use switchyard::contract::{Contracts, Function, World};
use switchyard::names::{Digest, Generation, Identity, RequestId, ServiceName};
use switchyard::observe::traces::ParentSpan;
use switchyard::runtime::{LinkSettings, Program, Runtime};
use switchyard::store::Stores;
use switchyard::tasks::Tasks;
use wasmtime::component::Val;

use crate::guest::{component, runtime, store_settings, workspace};

pub(crate) const RETRIES: RetrySettings = RetrySettings {
    answers_kept_ms: 60_000,
    memos_kept_ms: 60_000,
    intents_keep_releases: true,
    intents_at_once: 4,
    intent_retry_ms_min: 10,
    intent_retry_ms_max: 100,
};

/// How long the owner of a token is remembered who depends on the time.
const SESSION_MS_MAX: u64 = 2_000;

/// A host of the services `front` and `back`.
struct Pair {
    calls: Calls,
    front: Side,
    back: Side,
    runtime: Runtime,
    instances_max: u32,
    stores: Stores,
    data: tempfile::TempDir,
}

/// One service, with what a release of it is made of.
struct Side {
    service: Arc<Service>,
    world: Arc<World>,
    limits: LimitSettings,
}

/// Bounds that no test meets that is not about them.
fn limits() -> LimitSettings {
    LimitSettings {
        memory_bytes_max: 8 << 20,
        deadline_ms: 20_000,
        body_bytes_max: 1 << 20,
        stream_ms_max: 60_000,
        handles_max: 1_024,
        calls_in_flight_max: 64,
        client_calls_percent_max: 100,
        function_calls_in_flight_max: std::collections::BTreeMap::new(),
        instances_reserved: 1,
        calls_waiting_max: 1_024,
        wait_ms_max: 20_000,
        store_bytes_max: 16 << 20,
        kept_bytes_max: 16 << 20,
        events_per_call_max: 10,
        answer_bytes_max: 1 << 20,
        log_bytes_per_second: 1_000,
        reuse: true,
        call_depth_max: 8,
        circuit_failures: 1_000,
        circuit_clients: 1,
        circuit_open_ms: 60_000,
    }
}

impl Pair {
    fn new() -> Arc<Self> {
        Self::with(|_, _| {})
    }

    /// A pair whose bounds `change` has set, those of `front` first.
    fn with(change: impl FnOnce(&mut LimitSettings, &mut LimitSettings)) -> Arc<Self> {
        Self::on(128, change)
    }

    /// On a host with so many component instances.
    fn on(instances_max: u32, change: impl FnOnce(&mut LimitSettings, &mut LimitSettings)) -> Arc<Self> {
        let (mut front, mut back) = (limits(), limits());
        change(&mut front, &mut back);
        Self::over(tempfile::tempdir().unwrap(), (runtime(instances_max), instances_max), (front, back))
    }

    /// Ends it, and begins anew on its data.
    fn restart(self: Arc<Self>) -> Arc<Self> {
        self.stores.clone().close().unwrap();
        let Self { front, back, runtime, instances_max, data, .. } =
            Arc::into_inner(self).expect("nobody uses it any more");
        Self::over(data, (runtime, instances_max), (front.limits, back.limits))
    }

    fn over(
        data: tempfile::TempDir,
        (runtime, instances_max): (Runtime, u32),
        (front, back): (LimitSettings, LimitSettings),
    ) -> Arc<Self> {
        let contracts = Contracts::read(&workspace().join("host/tests/wit")).unwrap();
        let names = ["front", "back"].map(|name| ServiceName::parse(name).unwrap());
        let quotas = [(names[0].clone(), front.store_bytes_max), (names[1].clone(), back.store_bytes_max)];
        let stores = Stores::open(data.path(), &store_settings(), &quotas).unwrap();
        let side = |name: &ServiceName, limits: LimitSettings| Side {
            service: Arc::new(Service::new(name.clone(), stores.service(name).unwrap(), limits.clone())),
            world: contracts.world(&format!("test:calls/{name}-service")).unwrap(),
            limits,
        };
        let (front, back) = (side(&names[0], front), side(&names[1], back));
        let first = [front.release(&runtime, "1"), back.release(&runtime, "1")];
        let first = Routing::new(&first, Vec::new(), &[]).unwrap();
        let calls = Calls::new(
            first,
            instances_max,
            stores.clone(),
            Tasks::default(),
            ReuseBounds { bytes_max: 64 << 20, authentication_ms_max: SESSION_MS_MAX },
            RETRIES,
            switchyard::names::HostSecret::new([7; 32]),
        )
        .unwrap();
        Arc::new(Self { calls, front, back, runtime, instances_max, stores, data })
    }

    /// Calls `function`, written `front.write`, and gives what came of it as a text.
    async fn call(&self, function: &str, script: &str) -> String {
        let routing = self.calls.routing();
        let called = self.calls.call(self.root(function, script), &routing, Origin::HOST).await;
        said(called.map(|called| called.answer))
    }

    async fn authenticate(&self, token: &str) -> Result<Option<Identity>, CallError> {
        let routing = self.calls.routing();
        self.calls.authenticate(token, &RequestId::from_bits(7), &routing, Origin::HOST, &ParentSpan::none()).await
    }

    /// Makes `members` what calls begin on.
    fn begin_on(&self, members: [Backend; 2]) {
        self.calls.swap(Routing::new(&members, Vec::new(), &[]).unwrap());
    }

    async fn front(&self, script: &str) -> String {
        self.call("front.write", script).await
    }

    async fn back(&self, script: &str) -> String {
        self.call("back.write", script).await
    }

    /// What stands under `key`, read by a call of its own.
    async fn get(&self, service: &str, key: &str) -> String {
        self.call(&format!("{service}.read"), &format!("get {key}")).await
    }

    /// The same with the client's key `key`, and whether the answer is an earlier one.
    async fn call_once(&self, key: &str, function: &str, script: &str) -> (String, bool) {
        let scope =
            RequestScope { caller: "anna", client: &[], path_has_secret: false, method: "POST", path: function };
        let root = self.root(function, script);
        let key = Some(RequestKey::new(scope, key, &root.arguments));
        let routing = self.calls.routing();
        let called = self.calls.call(RootCall { key, ..root }, &routing, Origin::HOST).await;
        let replayed = called.as_ref().is_ok_and(|called| called.replayed);
        (said(called.map(|called| called.answer)), replayed)
    }

    fn root(&self, function: &str, script: &str) -> RootCall {
        let (service, name) = function.split_once('.').unwrap();
        RootCall {
            service: ServiceName::parse(service).unwrap(),
            function: self.function(service, name),
            arguments: vec![Val::String(script.into())],
            identity: Some(Identity { id: "anna".into(), role: "customer".into(), session: None }),
            request: RequestId::from_bits(7),
            key: None,
            span: ParentSpan::none(),
            takes_body: false,
        }
    }

    fn function(&self, service: &str, name: &str) -> Arc<Function> {
        let side = if service == "front" { &self.front } else { &self.back };
        let mut functions = side.world.exports.iter().flat_map(|interface| &interface.functions);
        Arc::clone(functions.find(|function| &*function.name.wit == name).unwrap())
    }
}

impl Side {
    /// A release with the environment variable `RELEASE`.
    fn release(&self, runtime: &Runtime, release: &str) -> Backend {
        let bytes = component("callers.wasm");
        let settings = LinkSettings {
            service: self.service.name().clone(),
            environment: vec![("RELEASE".into(), release.into())],
            outbound_hosts: Vec::new(),
            limits: self.limits.clone(),
        };
        let program: Arc<Program> = runtime.link(&runtime.compile(&bytes).unwrap(), &self.world, settings).unwrap();
        let release = LoadedRelease::new(
            Digest::of(&bytes),
            Arc::clone(&self.world),
            LinkedComponent::Contract(program),
            &self.limits,
            0,
        );
        Backend { service: Arc::clone(&self.service), release: Arc::new(release), generation: Generation::First }
    }
}

/// What came of a call, as one text.
fn said(result: Result<Answer, CallError>) -> String {
    match result {
        Ok(Answer::Ok(Some(Val::String(text)))) => text,
        Ok(Answer::Err(Some(Val::Variant(case, Some(why))))) => match *why {
            Val::String(why) => format!("{case}: {why}"),
            other => panic!("{other:?}"),
        },
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// Waits until `holds`, which it does soon.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let soon = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), soon).await.unwrap_or_else(|_| panic!("{what} does not come"));
}
