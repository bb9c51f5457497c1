//! Events and schedules through the whole of `events` and `call`, over real stores: services that emit, take, fail and
//! start anew. What a service does is a script.

mod budgets;
mod delivery;
mod failures;
mod kills;
mod operator;
mod repeats;
mod schedules;
mod subscribing;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use switchyard::call::{
    Answer, Backend, Calls, LinkedComponent, LoadedRelease, Origin, RequestKey, RequestScope, RootCall, Routing,
    Service,
};
use switchyard::config::{EventSettings, EventsFrom, LimitSettings, RetrySettings};
use switchyard::contract::{Contracts, Function};
use switchyard::events::Events;
use switchyard::names::{Digest, Generation, HostSecret, RequestId, ServiceName};
use switchyard::observe::traces::ParentSpan;
use switchyard::runtime::{LinkSettings, Runtime};
use switchyard::store::Stores;
use switchyard::tasks::Tasks;
use tempfile::TempDir;
use wasmtime::component::Val;

use crate::calls::RETRIES;
use crate::calls::retries::NoOthers;
use crate::guest::{REUSE, component, limits, runtime, store_settings, workspace};

/// A service that emits events, and one that takes them.
const PAIR: [(&str, &str); 2] = [("source", "source"), ("sink", "sink")];

/// The parts of a host, which outlive a restart.
struct Setup {
    data: TempDir,
    /// Name and world of each service.
    services: Vec<(&'static str, &'static str)>,
    settings: EventSettings,
    retries: RetrySettings,
    from: EventsFrom,
    /// When the releases went live.
    deployed_at: u64,
}

/// A running host.
struct Rig {
    setup: Setup,
    runtime: Runtime,
    stores: Stores,
    services: Vec<Arc<Service>>,
    calls: Calls,
    events: Events,
    tasks: Tasks,
}

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

fn numbers(range: std::ops::Range<usize>) -> String {
    range.map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

/// The time of day, in microseconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "a test has no other clock")]
fn unix_micros() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros().try_into().unwrap()
}

/// Retries that come soon, of which there are as many as a test wants.
fn settings() -> EventSettings {
    EventSettings { kept_ms: 3_600_000, attempts_max: 1_000_000, retry_ms_min: 5, retry_ms_max: 20 }
}

fn bounds() -> LimitSettings {
    LimitSettings {
        deadline_ms: 20_000,
        calls_in_flight_max: 64,
        calls_waiting_max: 1_024,
        wait_ms_max: 20_000,
        events_per_call_max: 1_000,
        circuit_failures: 1_000_000,
        circuit_clients: 1,
        ..limits()
    }
}

impl Setup {
    /// Of the services with these names and worlds of `test:events`.
    fn new(services: &[(&'static str, &'static str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let services = services.to_vec();
        Self { data, services, settings: settings(), retries: RETRIES, from: EventsFrom::Beginning, deployed_at: 0 }
    }

    fn start(self) -> Rig {
        self.start_with(|_, _| {})
    }

    /// With bounds of the services that `change` has set.
    fn start_with(self, change: impl Fn(&str, &mut LimitSettings)) -> Rig {
        let rig = self.prepare(change);
        rig.run_all();
        rig
    }

    /// A host on which neither events, schedules nor intents run yet.
    fn prepare(self, change: impl Fn(&str, &mut LimitSettings)) -> Rig {
        let limits = |service: &str| {
            let mut limits = bounds();
            change(service, &mut limits);
            limits
        };
        let quotas: Vec<_> =
            self.services.iter().map(|(service, _)| (name(service), limits(service).store_bytes_max)).collect();
        let stores = Stores::open(self.data.path(), &store_settings(), &quotas).unwrap();
        let service = |(service, _): &(&str, &str)| {
            Arc::new(Service::new(name(service), stores.service(&name(service)).unwrap(), limits(service)))
        };
        let services: Vec<_> = self.services.iter().map(service).collect();
        let runtime = runtime(128);
        let routing = routing(&runtime, &services, &self.services, self.deployed_at);
        let tasks = Tasks::default();
        let calls = Calls::new(
            routing,
            128,
            stores.clone(),
            tasks.clone(),
            REUSE,
            self.retries.clone(),
            HostSecret::new([7; 32]),
        )
        .unwrap();
        let from = self.from;
        let events = Events::new(calls.clone(), stores.clone(), self.settings.clone(), move |_| from, &tasks);
        Rig { setup: self, runtime, stores, services, calls, events, tasks }
    }
}

/// The releases of `services` in these worlds.
fn routing(runtime: &Runtime, services: &[Arc<Service>], worlds: &[(&str, &str)], deployed_at: u64) -> Routing {
    let contracts = Contracts::read(&workspace().join("host/tests/wit")).unwrap();
    let member = |(service, world): (&str, &str)| {
        let bytes = component(if world == "source" { "emits.wasm" } else { "takes.wasm" });
        let service = services.iter().find(|known| known.name().as_str() == service).unwrap();
        let world = contracts.world(&format!("test:events/{world}-service")).unwrap();
        let limits = service.limits().clone();
        let settings = LinkSettings {
            service: service.name().clone(),
            environment: Vec::new(),
            outbound_hosts: Vec::new(),
            limits: limits.clone(),
        };
        let program = runtime.link(&runtime.compile(&bytes).unwrap(), &world, settings).unwrap();
        let release =
            LoadedRelease::new(Digest::of(&bytes), world, LinkedComponent::Contract(program), &limits, deployed_at);
        Backend { service: Arc::clone(service), release: Arc::new(release), generation: Generation::First }
    };
    let members: Vec<_> = worlds.iter().map(|named| member(*named)).collect();
    Routing::new(&members, Vec::new(), &[]).unwrap()
}

impl Rig {
    /// Has everything run that the host does by itself.
    fn run_all(&self) {
        self.calls.find_intents().unwrap();
        self.tasks.spawn("intents", self.calls.clone().recover(Arc::new(NoOthers)));
        let events = self.events.clone();
        let retention = self.calls.clone().run_retention(move || events.repeatable_calls());
        self.tasks.spawn("call retention", retention);
        self.tasks.spawn("event retention", self.events.clone().run_retention());
        self.tasks.spawn("events", self.events.clone().run());
    }

    /// Runs a script that may write, and gives what its last step does.
    async fn run(&self, service: &str, script: &str) -> String {
        self.call(service, "run", script).await
    }

    /// As [`Rig::run`], and why not.
    async fn try_run(&self, service: &str, script: &str) -> Result<String, String> {
        self.try_call(service, "run", script).await
    }

    /// What stands under `key`.
    async fn look(&self, service: &str, key: &str) -> String {
        self.call(service, "look", key).await
    }

    async fn call(&self, service: &str, function: &str, text: &str) -> String {
        self.try_call(service, function, text).await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_call(&self, service: &str, function: &str, text: &str) -> Result<String, String> {
        self.try_root_call(self.root_call(service, function, text)).await
    }

    /// As [`Rig::try_run`], by a client that has no name and may retry with `key`.
    async fn try_keyed(&self, service: &str, script: &str, key: &str) -> Result<String, String> {
        let call = self.root_call(service, "run", script);
        let scope =
            RequestScope { caller: "", client: &[127, 0, 0, 1], path_has_secret: false, method: "POST", path: "run" };
        let key = Some(RequestKey::new(scope, key, &call.arguments));
        self.try_root_call(RootCall { key, ..call }).await
    }

    fn root_call(&self, service: &str, function: &str, text: &str) -> RootCall {
        RootCall {
            service: name(service),
            function: self.function(service, function),
            arguments: vec![Val::String(text.into())],
            identity: None,
            request: RequestId::from_bits(7),
            key: None,
            span: ParentSpan::none(),
            takes_body: false,
        }
    }

    async fn try_root_call(&self, call: RootCall) -> Result<String, String> {
        match self.calls.call(call, &self.calls.routing(), Origin::HOST).await.map(|called| called.answer) {
            Ok(Answer::Ok(Some(Val::String(text)))) => Ok(text),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn function(&self, service: &str, function: &str) -> Arc<Function> {
        let routing = self.calls.routing();
        let world = &routing.live().backend(&name(service)).unwrap().release.world;
        let mut functions = world.exports.iter().flat_map(|interface| &interface.functions);
        Arc::clone(functions.find(|known| &*known.name.wit == function).unwrap())
    }

    /// Waits until `key` of `service` is `value`, which it is soon.
    #[track_caller]
    fn comes(&self, service: &'static str, key: &'static str, value: &str) -> impl Future<Output = ()> {
        let (at, value) = (std::panic::Location::caller(), value.to_owned());
        async move {
            let mut found = String::new();
            let soon = async {
                while found != value {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    found = self.look(service, key).await;
                }
            };
            if tokio::time::timeout(Duration::from_secs(60), soon).await.is_err() {
                panic!("{at}: {key} of {service} does not become {value:?}, it is {found:?}");
            }
        }
    }

    fn service(&self, service: &str) -> &Service {
        self.services.iter().find(|known| known.name().as_str() == service).unwrap()
    }

    /// What stands under `key`, whether or not the service can be called.
    fn look_now(&self, service: &str, key: &str) -> String {
        let value = self.service(service).store().begin_read().get(key).unwrap();
        value.map(|value| String::from_utf8(value.to_vec()).unwrap()).unwrap_or_default()
    }

    /// Waits until `holds`, which it does soon.
    async fn becomes(&self, what: &str, holds: impl Fn() -> bool) {
        let soon = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), soon).await.unwrap_or_else(|_| panic!("{what} does not come"));
    }

    /// Waits until `service` has taken all that there is, and nothing is tried again.
    async fn settled(&self, service: &str) {
        let settled = || {
            let taken = self.events.subscriptions(Some(&name(service))).unwrap();
            !taken.is_empty() && taken.iter().all(|taken| taken.lag_events == 0 && taken.retrying == 0)
        };
        self.becomes("it is settled", settled).await;
    }

    /// Waits, for what has not to happen meanwhile.
    async fn passes(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// Makes the releases of these worlds live.
    fn swap(&mut self, worlds: &[(&'static str, &'static str)], deployed_at: u64) {
        let routing = routing(&self.runtime, &self.services, worlds, deployed_at);
        self.calls.swap(routing);
        self.setup.services = worlds.to_vec();
    }

    /// Ends in order.
    async fn stop(self) -> Setup {
        self.tasks.shut_down(Duration::from_secs(30)).await.unwrap();
        let Self { setup, stores, services, calls, events, .. } = self;
        drop((services, calls, events));
        tokio::task::spawn_blocking(move || stores.close()).await.unwrap().unwrap();
        setup
    }
}
