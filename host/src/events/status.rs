//! Events and schedules for the operator.

use serde::Serialize;
use serde_json::Value as Json;

use super::cursor::Cursor;
use super::delivery::{Delivery, DeliveryState};
use super::registry::Events;
use super::retention;
use super::schedule::{Schedule, ScheduleState};
use super::subscription::{Endpoints, Subscription};
use crate::clock::{self, rfc_3339_millis};
use crate::names::ServiceName;
use crate::store::StoreError;
use crate::store::system::EventId;

/// The maximum of counted failed deliveries.
const COUNTED_MAX: u32 = 10_000;

/// One service that subscribes to the events of another.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    pub service: ServiceName,
    /// The service that emits the events.
    pub from: ServiceName,
    /// The tracks of their interfaces: `shop:events/order-events@1`.
    pub interfaces: Vec<String>,
    /// The commit up to which events are handled.
    pub commit: u64,
    /// The number of later events of the emitter, at most 10,000, and the age of the oldest.
    pub lag_events: usize,
    pub lag_seconds: f64,
    /// Events that are retried, or that wait for retried ones.
    pub retrying: usize,
    /// Dead letters, at most 10,000.
    pub dead: usize,
    /// Why nothing is delivered now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_reason: Option<String>,
}

/// An event whose delivery failed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryView {
    pub id: String,
    /// `retrying`, `waiting` for an earlier one, or `dead`.
    pub state: &'static str,
    pub interface: String,
    pub function: String,
    pub payload: Json,
    /// RFC 3339, in UTC, like the other times.
    pub emitted_at: String,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A scheduled function.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    pub service: ServiceName,
    /// After the track of its interface: `shop:inventory/inventory@1#expire-reservations`.
    pub function: String,
    pub every_ms: u64,
    /// RFC 3339, in UTC; absent if it has not run yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
    pub next_at: String,
    pub running: bool,
    /// Why the due run waits, or the last run failed, and the number of failures in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub failures: u64,
}

impl Events {
    /// All subscriptions, or those of one service.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when an index cannot be read.
    pub fn subscriptions(&self, service: Option<&ServiceName>) -> Result<Vec<SubscriptionView>, StoreError> {
        let mut views = Vec::new();
        for subscription in self.inner.subscriptions() {
            if service.is_none_or(|service| *service == subscription.pair.subscriber)
                && let Some(endpoints) = subscription.endpoints()
            {
                views.push(view(&subscription, &endpoints)?);
            }
        }
        Ok(views)
    }

    /// The failed deliveries of `service` after `after`: at most `limit` that are retried, and at most `limit` dead
    /// letters.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    pub fn failed_deliveries(
        &self,
        service: &ServiceName,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let Some(store) = self.inner.store(service) else { return Ok(Vec::new()) };
        let mut views = Vec::new();
        for (state, after) in [(DeliveryState::Retrying, None), (DeliveryState::Dead, after)] {
            let deliveries = Delivery::list(&store, state, None, after, limit)?;
            views.extend(deliveries.iter().map(|delivery| delivery_view(delivery, state)));
        }
        Ok(views)
    }

    /// All schedules, or those of one service.
    #[must_use]
    pub fn schedules(&self, service: Option<&ServiceName>) -> Vec<ScheduleView> {
        let schedules = self.inner.schedules();
        let wanted = schedules.iter().filter(|known| service.is_none_or(|service| *service == known.id.service));
        wanted.filter_map(|schedule| schedule_view(schedule)).collect()
    }
}

fn view(subscription: &Subscription, endpoints: &Endpoints) -> Result<SubscriptionView, StoreError> {
    let Endpoints { subscriber, handlers, .. } = endpoints;
    let emitter = &subscription.pair.emitter;
    let lag = retention::lag(subscription, endpoints)?;
    let count =
        |state: DeliveryState| Ok::<_, StoreError>(state.ids(subscriber, Some(emitter), None, COUNTED_MAX)?.len());
    Ok(SubscriptionView {
        service: subscription.pair.subscriber.clone(),
        from: emitter.clone(),
        interfaces: handlers.tracks().map(str::to_owned).collect(),
        commit: Cursor::read(subscriber, emitter)?.handled(handlers).0.0,
        lag_events: lag.events,
        lag_seconds: lag.oldest.as_secs_f64(),
        retrying: count(DeliveryState::Retrying)?,
        dead: count(DeliveryState::Dead)?,
        pause_reason: subscription.waits(),
    })
}

fn delivery_view(delivery: &Delivery, state: DeliveryState) -> DeliveryView {
    let failure = delivery.failure.as_ref();
    DeliveryView {
        id: delivery.id.to_string(),
        state: match state {
            DeliveryState::Dead => "dead",
            DeliveryState::Retrying if delivery.attempts() == 0 => "waiting",
            DeliveryState::Retrying => "retrying",
        },
        interface: delivery.event.interface.to_string(),
        function: delivery.event.function.to_string(),
        payload: serde_json::from_slice(&delivery.event.payload).unwrap_or_default(),
        emitted_at: rfc_3339_millis(delivery.emitted_at),
        attempts: delivery.attempts(),
        first_failed_at: failure.map(|failure| rfc_3339_millis(failure.first_at)),
        last_failed_at: failure.map(|failure| rfc_3339_millis(failure.last_at)),
        error: failure.map(|failure| failure.error.clone()),
    }
}

fn schedule_view(schedule: &Schedule) -> Option<ScheduleView> {
    let ScheduleState { last, period, is_running, waits } = schedule.known()?;
    Some(ScheduleView {
        service: schedule.id.service.clone(),
        function: schedule.id.name.clone(),
        every_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
        last_at: last.began_at.map(rfc_3339_millis),
        next_at: rfc_3339_millis(last.next(period, clock::unix_micros())),
        running: is_running,
        error: waits.or(last.error),
        failures: last.failures,
    })
}
