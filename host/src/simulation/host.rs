//! One life of a simulated host: its stores, calls and events on a simulated disk, in a thread and a time of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use wasmtime::component::Val;

use super::world::World;
use crate::call::{
    Answer, CallError, Calls, Origin, PinnedReleases, RequestKey, RequestScope, RootCall, RoutingTable, Service,
};
use crate::clock::simulated::TimerClock;
use crate::config::{EventSettings, EventsFrom, RetrySettings, StoreSettings};
use crate::contract::Function;
use crate::events::{DeadLetterError, DeadLetters, Events};
use crate::journal::simulated::SimulatedDisk;
use crate::names::{Digest, HostSecret, RequestId, ServiceName};
use crate::store::Stores;
use crate::tasks::Tasks;

/// Small segments, so that a life passes several, and checkpoints only where the simulator makes them.
const STORE: StoreSettings = StoreSettings {
    segment_bytes: 64 << 10,
    overlay_bytes_max: 64 << 20,
    checkpoint_ms_max: 3_600_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

/// Answers are kept for longer than all clock steps of a seed together: a key that has expired is used anew by right.
const RETRIES: RetrySettings = RetrySettings {
    answers_kept_ms: 365 * 24 * 3_600_000,
    memos_kept_ms: 600_000,
    intents_keep_releases: true,
    intents_at_once: 4,
    intent_retry_ms_min: 10,
    intent_retry_ms_max: 60_000,
};

/// Few attempts, so that events become dead letters.
const EVENTS: EventSettings = EventSettings { kept_ms: 3_600_000, attempts_max: 3, retry_ms_min: 5, retry_ms_max: 100 };

/// A host that runs.
pub(super) struct SimulatedHost<'w> {
    world: &'w World,
    /// `None` only while the host is dropped: tasks end before the stores close.
    runtime: Option<tokio::runtime::Runtime>,
    pub(super) clock: TimerClock,
    pub(super) stores: Stores,
    pub(super) calls: Calls,
    pub(super) events: Events,
    pub(super) tasks: Tasks,
    services: Vec<Arc<Service>>,
}

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As with SIGTERM.
    Stop,
    /// As with SIGKILL: the operating system writes what it has.
    Kill,
    /// Of what was not synced some sectors are there.
    PowerLoss,
}

struct NoOthers;

impl PinnedReleases for NoOthers {
    fn table(&self, _releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>> {
        None
    }
}

impl<'w> SimulatedHost<'w> {
    /// Starts a host with the release `number` of each service. The time of day is `unix_micros`.
    pub(super) fn open(
        world: &'w World,
        disk: &SimulatedDisk,
        unix_micros: u64,
        number: u64,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let entered = runtime.enter();
        let clock = TimerClock::install(unix_micros);
        let stores = Stores::open_on(&disk.as_disk(), &STORE, &world.quotas(), None)?;
        stores.write_in_lockstep();
        let services = world.services(&stores)?;
        let tasks = Tasks::default();
        let secret = HostSecret::new([7; 32]);
        let routing = world.routing(&services, number)?;
        let calls = Calls::new(routing, stores.clone(), tasks.clone(), 0, RETRIES, secret)?;
        calls.draw_seeds_from(seed);
        let _intents = calls.find_intents()?;
        let events = Events::new(calls.clone(), stores.clone(), EVENTS, |_| EventsFrom::Beginning, &tasks);
        tasks.spawn("intents", calls.clone().recover(Arc::new(NoOthers)));
        let needed = events.clone();
        tasks.spawn("retention", calls.clone().run_retention(move || needed.repeatable_calls()));
        tasks.spawn("event retention", events.clone().run_retention());
        tasks.spawn("events", events.clone().run());
        drop(entered);
        Ok(Self { world, runtime: Some(runtime), clock, stores, calls, events, tasks, services })
    }

    fn runtime(&self) -> &tokio::runtime::Runtime {
        self.runtime.as_ref().expect("it is there until the drop")
    }

    /// While the guard exists, this thread has the host's time.
    pub(super) fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.runtime().enter()
    }

    /// The time of day.
    pub(super) fn unix_micros(&self) -> u64 {
        let _entered = self.enter();
        crate::clock::unix_micros()
    }

    /// Runs `work` in the host's thread and time.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime().block_on(work)
    }

    /// Lets virtual time pass: everything that can go on does.
    pub(super) fn pass(&self, time: Duration) {
        self.block_on(async move { tokio::time::sleep(time).await });
    }

    /// Brings the indexes to what is committed, and lets old segments go.
    pub(super) fn checkpoint(&self) -> anyhow::Result<()> {
        Ok(self.stores.checkpoint()?)
    }

    /// Makes the release `number` of each service live.
    pub(super) fn deploy(&self, number: u64) -> anyhow::Result<()> {
        let routing = self.world.routing(&self.services, number)?;
        self.calls.swap(routing.after(&self.calls.routing(), false));
        Ok(())
    }

    /// Replays what may be replayed now.
    pub(super) async fn replay_dead_letters(&self) -> anyhow::Result<()> {
        match self.events.replay(&ServiceName::parse("sink")?, &DeadLetters::All).await {
            // The host has started just now, or has enough to retry: a later step replays them.
            Ok(_) | Err(DeadLetterError::NotSubscribed { .. } | DeadLetterError::Full { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What `service` has under `key`, of all that is committed.
    pub(super) fn stored(&self, service: &str, key: &str) -> anyhow::Result<String> {
        let store = self.stores.service(&ServiceName::parse(service)?).context("a service that is there")?;
        let value = store.begin_read().get(key)?;
        Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default())
    }

    /// Ends this life.
    pub(super) fn end(self, disk: &SimulatedDisk, end: End) -> anyhow::Result<(SimulatedDisk, u64)> {
        let unix_micros = self.unix_micros();
        if end == End::Stop {
            let stopped = self.block_on(self.tasks.shut_down(Duration::from_secs(60)));
            stopped.map_err(|names| anyhow::anyhow!("these tasks do not stop: {names:?}"))?;
            self.stores.clone().close()?;
            return Ok((disk.after_kill(), unix_micros));
        }
        // What happens from here on reaches no disk.
        let next = if end == End::Kill { disk.after_kill() } else { disk.after_power_loss() };
        disk.plan(0, crate::journal::simulated::Fault::PowerLoss);
        drop(self);
        Ok((next, unix_micros))
    }
}

impl Drop for SimulatedHost<'_> {
    fn drop(&mut self) {
        drop(self.runtime.take());
    }
}

/// Sends `script` to `function` of `service` under `key`.
pub(super) async fn send(
    calls: Calls,
    service: &str,
    function: &str,
    script: &str,
    key: &str,
) -> Result<(), CallError> {
    let routing = calls.routing();
    let service = ServiceName::parse(service).expect("a service of the simulation");
    let arguments = vec![Val::String(script.into())];
    let scope = RequestScope { caller: "client", client: &[], method: "POST", path: function };
    let key = RequestKey::new(scope, key, &arguments);
    let call = RootCall {
        function: exported(&routing.live().backend(&service).expect("it is live").release.world, function),
        service,
        arguments,
        identity: None,
        request: RequestId::from_bits(7),
        key: Some(key),
    };
    match calls.call(call, &routing, Origin::HOST).await?.answer {
        Answer::Ok(_) => Ok(()),
        Answer::Err(error) => panic!("a script refuses: {error:?}"),
    }
}

fn exported(world: &crate::contract::World, function: &str) -> Arc<Function> {
    let mut functions = world.exports.iter().flat_map(|interface| &interface.functions);
    Arc::clone(functions.find(|known| &*known.name.wit == function).expect("a function of the simulation"))
}
