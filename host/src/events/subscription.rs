//! One service that subscribes to the events of another: the state that its loop and the operator's requests share.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::Notify;

use super::commit::Pause;
use super::delivery::Delivery;
use super::handlers::{Handler, Handlers, Pair};
use super::loop_slot::LoopSlot;
use super::retry_queue::{Order, RetryQueue};
use super::spans::begin_delivery;
use crate::call::{CallError, Calls, HostCall, Routing, Worlds};
use crate::clock;
use crate::config::{EventSettings, EventsFrom};
use crate::contract::track;
use crate::limits::EVENTS_RETRIED_MAX;
use crate::names::ServiceName;
use crate::observe::LogLimits;
use crate::observe::events::DeliveryMetrics;
use crate::observe::traces::ParentSpan;
use crate::store::Store;
use crate::store::system::{EventSeq, RETRIES, RowWrite};

/// Returns where a service starts with events that it has not subscribed to before.
#[derive(Clone)]
pub(super) struct StartSetting(pub(super) Arc<dyn Fn(&ServiceName) -> EventsFrom + Send + Sync>);

impl fmt::Debug for StartSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StartSetting").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) pair: Pair,
    pub(super) calls: Calls,
    settings: EventSettings,
    start: StartSetting,
    pub(super) metrics: DeliveryMetrics,
    pub(super) log_limits: LogLimits<&'static str>,
    /// Also locked during a commit that changes failed deliveries, so that the queue matches the store.
    pub(super) queue: tokio::sync::Mutex<RetryQueue>,
    /// Wakes the loop: the contracts changed, the operator replays an event, or the outbox is too large.
    pub(super) wake: Notify,
    pub(super) loop_slot: LoopSlot,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Why nothing is delivered.
    waits: Option<String>,
    /// Whether the log says so.
    waits_is_logged: bool,
    /// The events up to this one go to the dead letters, because the emitter's outbox is full.
    overflow: Option<EventSeq>,
}

/// The stores and handlers of a pair under the current contracts.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    worlds: Worlds,
    pub(super) handlers: Arc<Handlers>,
    pub(super) subscriber: Store,
    pub(super) emitter: Store,
    /// When the live release of the subscriber went live, in microseconds since the Unix epoch.
    pub(super) live_since: u64,
}

/// The end of an attempt, if the subscriber was available.
#[derive(Debug)]
pub(super) enum Attempt {
    Delivered,
    Failed(String),
    /// The payload does not have the handler's types: every other attempt would fail too.
    Unfit(String),
}

impl Subscription {
    pub(super) fn new(pair: Pair, calls: Calls, settings: EventSettings, start: StartSetting) -> Self {
        let metrics = DeliveryMetrics::new(&pair.subscriber, &pair.emitter);
        let (queue, wake) = (tokio::sync::Mutex::default(), Notify::new());
        let (loop_slot, state, log_limits) = (LoopSlot::default(), Mutex::default(), LogLimits::default());
        Self { pair, calls, settings, start, metrics, log_limits, queue, wake, loop_slot, state }
    }

    /// `None` when the subscriber does not subscribe to the emitter any more.
    pub(super) fn endpoints(&self) -> Option<Endpoints> {
        let routing = self.calls.routing();
        let live = routing.live();
        let (subscriber, emitter) = (live.backend(&self.pair.subscriber)?, live.backend(&self.pair.emitter)?);
        Some(Endpoints {
            worlds: Arc::clone(routing.worlds()),
            handlers: Arc::new(Handlers::of(routing.worlds(), &self.pair)?),
            subscriber: subscriber.service.store().clone(),
            emitter: emitter.service.store().clone(),
            live_since: subscriber.release.deployed_at,
        })
    }

    /// Delivers once; `rows` are committed with the handler's writes.
    pub(super) async fn attempt(
        &self,
        routing: &Routing,
        handler: &Handler,
        delivery: &Delivery,
        rows: Vec<RowWrite>,
    ) -> Result<Attempt, Pause> {
        let mut span = begin_delivery(&self.calls.tracer(), &self.pair, delivery, &handler.function);
        let attempt = self.run_handler(routing, handler, delivery, (rows, span.as_parent())).await;
        span.describe(|details| match &attempt {
            Ok(Attempt::Delivered) => {}
            Ok(Attempt::Failed(_)) => details.fail("failed"),
            Ok(Attempt::Unfit(_)) => details.fail("unfit"),
            Err(Pause::Waits(_)) => details.fail("unavailable"),
            Err(Pause::Stopped) => details.fail("host"),
        });
        attempt
    }

    async fn run_handler(
        &self,
        routing: &Routing,
        handler: &Handler,
        delivery: &Delivery,
        (rows, span): (Vec<RowWrite>, ParentSpan),
    ) -> Result<Attempt, Pause> {
        let Pair { subscriber, emitter } = &self.pair;
        let arguments = match handler.parameters.decode(&delivery.event.payload) {
            Ok(arguments) => arguments,
            Err(error) => return Ok(Attempt::Unfit(format!("its payload does not fit: {error}"))),
        };
        let call = HostCall {
            service: subscriber.clone(),
            function: Arc::clone(&handler.function),
            arguments,
            calling_service: Some(emitter.clone()),
            cause: self.pair.cause(delivery.id.seq),
            time_unix_micros: delivery.emitted_at,
            rows,
            caused_by: delivery.id.seq.0,
            intent: false,
            span,
        };
        let Ok(result) = AssertUnwindSafe(self.calls.run_host_call(call, routing)).catch_unwind().await else {
            return Ok(Attempt::Failed("the host panicked during the delivery: its log says where".into()));
        };
        match result {
            Ok(_nothing) => {
                let took = clock::unix_micros().saturating_sub(delivery.emitted_at);
                self.metrics.delivered(Duration::from_micros(took));
                Ok(Attempt::Delivered)
            }
            Err(CallError::Stopped(_)) => Err(Pause::Stopped),
            // The next event would fail in the same way, so this is not a failure of this event.
            Err(error) if matches!(&error, CallError::Unavailable { service, .. } if service == subscriber) => {
                Err(Pause::Waits(error.to_string()))
            }
            Err(error) => Ok(Attempt::Failed(error.to_string())),
        }
    }

    /// The position of an event, and its key.
    pub(super) fn order(&self, endpoints: &Endpoints, delivery: &Delivery) -> Order {
        let key = endpoints.handlers.handler(&delivery.event).and_then(|handler| handler.key(&delivery.event));
        Order { seq: delivery.id.seq, key: key.map(|key| (track(&delivery.event.interface).into(), key)) }
    }

    /// Where the subscriber starts with events that it has not subscribed to before.
    pub(super) fn starts_from(&self) -> EventsFrom {
        self.start.0(&self.pair.subscriber)
    }

    /// Whether another attempt follows after this many failed ones.
    pub(super) fn may_retry(&self, attempts: u32) -> bool {
        attempts < self.settings.attempts_max
    }

    /// When the next attempt follows after this many failed ones.
    pub(super) fn retry_at(&self, attempts: u32) -> Instant {
        let EventSettings { retry_ms_min, retry_ms_max, .. } = self.settings;
        let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
        clock::now() + Duration::from_millis(retry_ms_min.saturating_mul(doubled).min(retry_ms_max))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets why nothing is delivered; `None` while events are delivered. The log says it once, unless the last such
    /// line is too recent.
    pub(super) fn set_waits(&self, why: Option<String>) {
        let mut state = self.state();
        match &why {
            None => state.waits_is_logged = false,
            Some(why) if !state.waits_is_logged && self.log_limits.allows("events wait") => {
                let Pair { subscriber, emitter } = &self.pair;
                tracing::warn!(service = %subscriber, from = %emitter, why, "events wait");
                state.waits_is_logged = true;
            }
            Some(_) => {}
        }
        state.waits = why;
    }

    /// Why nothing is delivered, if so.
    pub(super) fn waits(&self) -> Option<String> {
        self.state().waits.clone()
    }

    /// Tells the loop to move the events up to `seq` to the dead letters. Returns true if there was no such request
    /// before.
    pub(super) fn set_overflow(&self, seq: EventSeq) -> bool {
        let before = self.state().overflow.replace(seq);
        self.wake.notify_one();
        before.is_none()
    }

    /// The event up to which all go to the dead letters.
    pub(super) fn overflow(&self) -> Option<EventSeq> {
        self.state().overflow
    }

    /// Records that the events up to `seq` were moved.
    pub(super) fn clear_overflow(&self, seq: EventSeq) {
        self.state().overflow.take_if(|until| *until <= seq);
    }

    /// Whether one more failed delivery may be retried in addition to `count`.
    pub(super) fn has_room(&self, subscriber: &Store, count: usize) -> bool {
        let routing = self.calls.routing();
        let backend = routing.live().backend(&self.pair.subscriber);
        let bytes_max = backend.map_or(0, |backend| RETRIES.bytes_max(backend.service.limits().kept_bytes_max));
        count == 0 || count < EVENTS_RETRIED_MAX && subscriber.usage(&RETRIES).bytes < bytes_max
    }
}

impl Endpoints {
    /// Whether these are still the contracts of `routing`.
    pub(super) fn is_of(&self, routing: &Routing) -> bool {
        Arc::ptr_eq(&self.worlds, routing.worlds())
    }
}
