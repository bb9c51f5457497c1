//! One life of a simulated host: its stores, calls, events and releases on a simulated disk, in its own thread and
//! virtual time.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue};
use switchyard::call::{Answer, CallError, Calls, Origin, Reply, RequestKey, RequestScope, RootCall};
use switchyard::clock;
use switchyard::contract::Function;
use switchyard::events::{DeadLetterError, DeadLetters};
use switchyard::names::{RequestId, ServiceName};
use switchyard::observe::traces::ParentSpan;
use switchyard::platform::simulated::{Fault, SimulatedCluster, SimulatedDisk, SimulatedHost, TimerClock};
use wasmtime::component::Val;

use super::world::{CANDIDATE_HEADER, World};

/// A running host.
pub(crate) struct Life {
    /// `None` only while the life ends: tasks end before the stores close.
    runtime: Option<tokio::runtime::Runtime>,
    pub(crate) clock: TimerClock,
    pub(crate) host: SimulatedHost,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Like SIGTERM.
    Stop,
    /// Like SIGKILL: the operating system writes its cached data.
    Kill,
    /// Of the unsynced data only some sectors are written.
    PowerLoss,
}

impl Life {
    /// Starts a host at the time of day `unix_micros`.
    pub(crate) fn begin(
        world: &World,
        cluster: Option<&SimulatedCluster>,
        disk: &SimulatedDisk,
        unix_micros: u64,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let entered = runtime.enter();
        let clock = TimerClock::install(unix_micros);
        let manifest = world.manifest(true);
        let host = match cluster {
            None => SimulatedHost::start(&manifest, disk, &world.runtime, seed)?,
            Some(cluster) => SimulatedHost::lead(cluster, &manifest, disk, &world.runtime, seed)?,
        };
        drop(entered);
        Ok(Self { runtime: Some(runtime), clock, host })
    }

    fn runtime(&self) -> &tokio::runtime::Runtime {
        self.runtime.as_ref().expect("it is there until the drop")
    }

    /// While the guard exists, this thread uses the host's time.
    pub(crate) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime().enter()
    }

    /// The time of day.
    pub(crate) fn unix_micros(&self) -> u64 {
        let _entered = self.enter();
        clock::unix_micros()
    }

    /// Runs `work` in the host's thread and time.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime().block_on(work)
    }

    /// Runs `task` concurrently, until the host ends.
    pub(crate) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.host.tasks.stop();
        let task = async move {
            tokio::select! {
                biased;
                () = stop.wait() => {}
                () = task => {}
            }
        };
        self.block_on(async { self.host.tasks.spawn(name, task) });
    }

    /// Lets virtual time pass, so that everything that can continue does.
    pub(crate) fn pass(&self, time: Duration) {
        self.block_on(async move { tokio::time::sleep(time).await });
    }

    /// Whether the service `name` exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.host.releases.names().iter().any(|known| known.as_str() == name)
    }

    /// Replays the dead letters that may be replayed now.
    pub(crate) async fn replay_dead_letters(&self) -> anyhow::Result<()> {
        match self.host.events.replay(&ServiceName::parse("sink")?, &DeadLetters::All).await {
            // The host has just started, or has enough retries: a later step replays them.
            Ok(_) | Err(DeadLetterError::NotSubscribed { .. } | DeadLetterError::Full { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The committed value of `service` under `key`.
    pub(crate) fn stored(&self, service: &str, key: &str) -> anyhow::Result<String> {
        let Some(store) = self.host.stores.service(&ServiceName::parse(service)?) else { return Ok(String::new()) };
        let value = store.begin_read().get(key)?;
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default())
    }

    /// Ends this life.
    pub(crate) fn end(self, disk: &SimulatedDisk, end: End) -> anyhow::Result<(SimulatedDisk, u64)> {
        let unix_micros = self.unix_micros();
        if end == End::Stop {
            let stopped = self.block_on(self.host.tasks.shut_down(Duration::from_secs(60)));
            stopped.map_err(|names| anyhow::anyhow!("these tasks do not stop: {names:?}"))?;
            self.host.stores.clone().close()?;
            return Ok((disk.after_kill(), unix_micros));
        }
        // From here on nothing reaches a disk.
        let next = if end == End::Kill { disk.after_kill() } else { disk.after_power_loss() };
        disk.plan(0, Fault::PowerLoss);
        drop(self);
        Ok((next, unix_micros))
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        drop(self.runtime.take());
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The host accepts no more requests.
    Stopped,
    Again,
}

/// Sends `script` to `function` of `service` with `key`; returns the text of the answer.
pub(crate) async fn send(
    calls: Calls,
    service: &str,
    function: &str,
    script: &str,
    key: &str,
) -> Result<String, NotSent> {
    let routing = calls.routing();
    let service = ServiceName::parse(service).expect("a service of the simulation");
    let arguments = vec![Val::String(script.into())];
    let scope = RequestScope { caller: "client", client: &[], path_has_secret: false, method: "POST", path: function };
    let request_key = RequestKey::new(scope, key, &arguments);
    let Some(backend) = routing.live().backend(&service) else { return Err(NotSent::Again) };
    let call = RootCall {
        function: exported(&backend.release.world, function),
        service,
        arguments,
        identity: None,
        request: RequestId::from_bits(7),
        key: Some(request_key),
        span: ParentSpan::none(),
        takes_body: false,
    };
    // Clients differ, and some ask for candidates: the same ones each time.
    let mut headers = HeaderMap::new();
    if key.len().is_multiple_of(2) {
        let (name, value) = CANDIDATE_HEADER;
        headers.insert(name, HeaderValue::from_static(value));
    }
    let origin = Origin { client: key.as_bytes(), headers: Some(&headers) };
    match calls.call(call, &routing, origin).await {
        Ok(Reply { answer: Answer::Ok(value), .. }) => Ok(format!("{value:?}")),
        Ok(Reply { answer: Answer::Err(error), .. }) => panic!("a script refuses: {error:?}"),
        Err(CallError::Stopped(_)) => Err(NotSent::Stopped),
        Err(_retried) => Err(NotSent::Again),
    }
}

fn exported(world: &switchyard::contract::World, function: &str) -> Arc<Function> {
    let mut functions = world.exports.iter().flat_map(|interface| &interface.functions);
    Arc::clone(functions.find(|known| &*known.name.wit == function).expect("a function of the simulation"))
}
