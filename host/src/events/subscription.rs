//! One service that takes the events of another: what its two tasks share.
//!
//! One delivers what was emitted, one event after the other; the other tries again what could not be delivered. So neither
//! an event nor a service that does not do its part holds up any other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::Begins;
use super::entries::Held;
use super::letter::{Fate, Letter, LetterId};
use super::parked::{Order, Parked};
use super::position::Place;
use super::taken::{Handler, Pair, Taken};
use crate::call::{CallError, Calls, HostCall, Routing, Worlds};
use crate::clock;
use crate::config::{EventSettings, EventsFrom};
use crate::contract::track;
use crate::observe::events::DeliveryMetrics;
use crate::store::system::RowWrite;
use crate::store::{Event, Store};
use crate::tasks::{Stop, Tasks};

/// Letters that are read at once.
const LETTERS_AT_ONCE: u32 = 200;

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) pair: Pair,
    pub(super) calls: Calls,
    pub(super) settings: EventSettings,
    begins: Begins,
    pub(super) metrics: DeliveryMetrics,
    /// Held also while a commit makes letters of events, or dead ones of those: what is in memory is what is stored.
    pub(super) parked: tokio::sync::Mutex<Parked>,
    /// There is something else to try again.
    pub(super) retry: Notify,
    /// The contracts are others, or there is room for letters.
    pub(super) wake: Notify,
    /// Why nothing is delivered.
    held: Mutex<Option<String>>,
    /// Its tasks that are there.
    running: AtomicUsize,
    /// Whether one of them has ended, so that the other ends too.
    ended: AtomicBool,
}

/// What it works with, as long as the contracts stay as they are.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    worlds: Worlds,
    pub(super) taken: Arc<Taken>,
    /// The stores of the subscriber and of the emitter.
    pub(super) own: Store,
    pub(super) emitter: Store,
    /// Since when the live release of the subscriber is live.
    pub(super) live_since: u64,
}

/// What came of a delivery that brought about nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is not the event's fault.
    Held(Held),
    Failed(String),
    /// It would fail again and again.
    Unfit(String),
}

impl Subscription {
    pub(super) fn new(pair: Pair, calls: Calls, settings: EventSettings, begins: Begins) -> Self {
        let metrics = DeliveryMetrics::new(&pair.subscriber, &pair.emitter);
        let (parked, held) = (tokio::sync::Mutex::default(), Mutex::default());
        let (retry, wake) = (Notify::new(), Notify::new());
        let (running, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { pair, calls, settings, begins, metrics, parked, retry, wake, held, running, ended }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }

    /// Starts its tasks, unless they run.
    pub(super) fn start(self: &Arc<Self>, tasks: &Tasks) {
        if self.is_running() {
            return;
        }
        self.ended.store(false, Ordering::Release);
        let (running, group, stop) = (Running::of(self), tasks.clone(), tasks.stop());
        tasks.spawn("event delivery", async move {
            let subscription = Arc::clone(&running.0);
            if subscription.load(stop.clone()).await {
                let retries = Running::of(&subscription);
                let stopped = stop.clone();
                group.spawn("event retries", async move { super::retry::run(&retries.0, stopped).await });
                super::deliver::run(&subscription, stop).await;
            }
        });
    }

    /// What its tasks work with now: `known`, if that is still right; nothing when there is nothing more to do, also as
    /// the other one has ended.
    pub(super) fn next_desk(&self, known: Option<&Desk>) -> Option<Desk> {
        if self.ended.load(Ordering::Acquire) { None } else { self.desk(known) }
    }

    /// Reads the letters that are tried again. False when there is nothing to go on with.
    async fn load(&self, mut stop: Stop) -> bool {
        loop {
            let Some(desk) = self.desk(None) else { return false };
            match self.read_letters(&desk) {
                Ok(parked) => {
                    *self.parked.lock().await = parked;
                    return true;
                }
                Err(held) => {
                    if !self.pause(held, Duration::from_secs(1), &mut stop).await {
                        return false;
                    }
                }
            }
        }
    }

    fn read_letters(&self, desk: &Desk) -> Result<Parked, Held> {
        let mut parked = Parked::default();
        let mut after: Option<LetterId> = None;
        loop {
            let emitter = Some(&self.pair.emitter);
            let page = Letter::list(&desk.own, Fate::Retrying, emitter, after.as_ref(), LETTERS_AT_ONCE)?;
            let Some(last) = page.last() else { return Ok(parked) };
            after = Some(last.id.clone());
            for letter in page {
                parked.add(self.order(desk, letter.id.place, &letter.event), clock::now());
            }
        }
    }

    /// What orders an event among others.
    pub(super) fn order(&self, desk: &Desk, place: Place, event: &Event) -> Order {
        let key = desk.taken.handler(event).and_then(|handler| handler.key(event));
        Order { place, key: key.map(|key| (track(&event.interface).into(), key)) }
    }

    /// What it works with now: `known`, if that is still right; nothing when the subscriber does not take events of the
    /// emitter any more.
    pub(super) fn desk(&self, known: Option<&Desk>) -> Option<Desk> {
        let routing = self.calls.routing();
        if let Some(known) = known.filter(|known| known.is_of(&routing)) {
            return Some(known.clone());
        }
        let live = routing.live();
        let (subscriber, emitter) = (live.backend(&self.pair.subscriber)?, live.backend(&self.pair.emitter)?);
        Some(Desk {
            worlds: Arc::clone(routing.worlds()),
            taken: Arc::new(Taken::of(routing.worlds(), &self.pair)?),
            own: subscriber.service.store().clone(),
            emitter: emitter.service.store().clone(),
            live_since: subscriber.release.deployed_at,
        })
    }

    /// Delivers `event`; `entries` are committed with what it brings about.
    pub(super) async fn call(
        &self,
        routing: &Routing,
        handler: &Handler,
        event: (Place, u64, &Event),
        entries: Vec<RowWrite>,
    ) -> Result<(), Trouble> {
        let (Place(number, position), emitted_at, event) = event;
        let Pair { subscriber, emitter } = &self.pair;
        let arguments = handler.parameters.decode(&event.payload);
        let arguments = arguments.map_err(|error| Trouble::Unfit(format!("its payload does not fit: {error}")))?;
        let call = HostCall {
            service: subscriber.clone(),
            function: Arc::clone(&handler.function),
            arguments,
            calling_service: Some(emitter.clone()),
            cause: format!("event {emitter} {} {position} {subscriber}", number.0),
            time_unix_micros: emitted_at,
            entries,
            intent: false,
        };
        match self.calls.run_host_call(call, routing).await {
            Ok(_nothing) => {
                let took = clock::unix_micros().saturating_sub(emitted_at);
                self.metrics.delivered(Duration::from_micros(took));
                Ok(())
            }
            Err(CallError::Stopped(_)) => Err(Trouble::Held(Held::Ended)),
            // It was not even begun: the next one would not be either.
            Err(error) if matches!(&error, CallError::Unavailable { service, .. } if service == subscriber) => {
                Err(Trouble::Held(Held::Waits(error.to_string())))
            }
            Err(error) => Err(Trouble::Failed(error.to_string())),
        }
    }

    /// Where the subscriber begins with events that it has not taken before.
    pub(super) fn begins(&self) -> EventsFrom {
        self.begins.0(&self.pair.subscriber)
    }

    /// Whether another attempt may be made of what was tried so many times.
    pub(super) fn may_retry(&self, attempts: u32) -> bool {
        attempts < self.settings.attempts_max
    }

    /// When to try again what was tried so many times.
    pub(super) fn retry_at(&self, attempts: u32) -> Instant {
        let EventSettings { retry_ms_min, retry_ms_max, .. } = self.settings;
        let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
        clock::now() + Duration::from_millis(retry_ms_min.saturating_mul(doubled).min(retry_ms_max))
    }

    /// Tells why nothing is delivered, and waits: for `wait`, or until something has changed. False when it is over.
    pub(super) async fn pause(&self, held: Held, wait: Duration, stop: &mut Stop) -> bool {
        let Held::Waits(why) = held else { return false };
        let before = self.held.lock().unwrap_or_else(PoisonError::into_inner).replace(why.clone());
        if before.is_none() {
            let Pair { subscriber, emitter } = &self.pair;
            tracing::warn!(service = %subscriber, from = %emitter, why, "events are held");
        }
        tokio::select! {
            () = stop.wait() => false,
            () = self.wake.notified() => true,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// Takes note that events are delivered.
    pub(super) fn goes_on(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Why nothing is delivered, where that is so.
    pub(super) fn held(&self) -> Option<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Desk {
    pub(super) fn is_of(&self, routing: &Routing) -> bool {
        Arc::ptr_eq(&self.worlds, routing.worlds())
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.worlds, &other.worlds)
    }
}

/// A task of a subscription, for as long as it is there.
struct Running(Arc<Subscription>);

impl Running {
    fn of(subscription: &Arc<Subscription>) -> Self {
        subscription.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(subscription))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let subscription = &self.0;
        subscription.ended.store(true, Ordering::Release);
        subscription.running.fetch_sub(1, Ordering::AcqRel);
        subscription.wake.notify_one();
        subscription.retry.notify_one();
    }
}
