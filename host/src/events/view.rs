//! Events and schedules as the operator sees them.

use serde::Serialize;
use serde_json::Value as Json;

use super::letter::{Fate, Letter, LetterId};
use super::position::Position;
use super::subscription::{Desk, Subscription};
use super::{Events, schedule, upkeep};
use crate::clock::{self, rfc_3339_millis};
use crate::names::ServiceName;
use crate::store::{Store, StoreError};

/// Letters that are read at once, and counted at most.
const LETTERS_AT_ONCE: u32 = 200;
const LETTERS_COUNTED_MAX: usize = 10_000;

/// One service that takes the events of another.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionView {
    pub service: ServiceName,
    /// The service that emits them.
    pub from: ServiceName,
    /// The tracks of their interfaces: `shop:events/order-events@1`.
    pub interfaces: Vec<String>,
    /// The commit up to which they are taken.
    pub commit: u64,
    /// How many are not yet, of 10,000 at most that are counted, and the age of the oldest of them.
    pub lag_events: usize,
    pub lag_seconds: f64,
    /// Events that are tried again, or wait for those.
    pub retrying: usize,
    /// Dead letters, 10,000 at most.
    pub dead: usize,
    /// Why nothing is delivered now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// An event that could not be delivered.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterView {
    pub id: String,
    /// `retrying`, `waiting` for an earlier one, or `dead`.
    pub state: &'static str,
    pub interface: String,
    pub function: String,
    pub payload: Json,
    /// RFC 3339, in UTC, as the others.
    pub emitted_at: String,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A function that runs on time.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleView {
    pub service: ServiceName,
    /// Behind the track of its interface: `shop:inventory/inventory@1#expire-reservations`.
    pub function: String,
    pub every_ms: u64,
    /// RFC 3339, in UTC; absent when it has not run yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
    pub next_at: String,
    pub running: bool,
    /// Why the last run failed, and how many did so in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub failures: u64,
}

impl Events {
    /// Who takes whose events, and how far: all, or one service's.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when an index cannot be read.
    pub fn subscriptions(&self, service: Option<&ServiceName>) -> Result<Vec<SubscriptionView>, StoreError> {
        let mut views = Vec::new();
        for subscription in self.inner.subscriptions() {
            if service.is_none_or(|service| *service == subscription.pair.subscriber)
                && let Some(desk) = subscription.desk(None)
            {
                views.push(view(&subscription, &desk)?);
            }
        }
        Ok(views)
    }

    /// The events that `service` could not be given: `limit` of those that are tried again, and of the dead ones behind
    /// `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    pub fn letters(
        &self,
        service: &ServiceName,
        after: Option<&LetterId>,
        limit: u32,
    ) -> Result<Vec<LetterView>, StoreError> {
        let Some(store) = self.inner.store(service) else { return Ok(Vec::new()) };
        let mut views = Vec::new();
        for (fate, after) in [(Fate::Retrying, None), (Fate::Dead, after)] {
            let letters = Letter::list(&store, fate, None, after, limit)?;
            views.extend(letters.iter().map(|letter| letter_view(letter, fate)));
        }
        Ok(views)
    }

    /// What runs on time: all, or one service's.
    #[must_use]
    pub fn schedules(&self, service: Option<&ServiceName>) -> Vec<ScheduleView> {
        let schedules = self.inner.schedules();
        let wanted = schedules.iter().filter(|known| service.is_none_or(|service| *service == known.id.service));
        wanted.filter_map(|schedule| schedule_view(schedule)).collect()
    }
}

fn view(subscription: &Subscription, desk: &Desk) -> Result<SubscriptionView, StoreError> {
    let emitter = &subscription.pair.emitter;
    let lag = upkeep::lag(subscription, desk)?;
    Ok(SubscriptionView {
        service: subscription.pair.subscriber.clone(),
        from: emitter.clone(),
        interfaces: desk.taken.tracks().map(str::to_owned).collect(),
        commit: Position::read(&desk.own, emitter)?.last_taken(&desk.taken).0.0,
        lag_events: lag.events,
        lag_seconds: lag.oldest.as_secs_f64(),
        retrying: count(&desk.own, Fate::Retrying, emitter)?,
        dead: count(&desk.own, Fate::Dead, emitter)?,
        held: subscription.held(),
    })
}

fn count(store: &Store, fate: Fate, emitter: &ServiceName) -> Result<usize, StoreError> {
    let (mut count, mut after): (usize, Option<LetterId>) = (0, None);
    while count < LETTERS_COUNTED_MAX {
        let page = Letter::list(store, fate, Some(emitter), after.as_ref(), LETTERS_AT_ONCE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        count += page.len();
    }
    Ok(count)
}

fn letter_view(letter: &Letter, fate: Fate) -> LetterView {
    let failure = letter.failure.as_ref();
    LetterView {
        id: letter.id.to_string(),
        state: match fate {
            Fate::Dead => "dead",
            Fate::Retrying if letter.attempts() == 0 => "waiting",
            Fate::Retrying => "retrying",
        },
        interface: letter.event.interface.to_string(),
        function: letter.event.function.to_string(),
        payload: serde_json::from_slice(&letter.event.payload).unwrap_or_default(),
        emitted_at: rfc_3339_millis(letter.emitted_at),
        attempts: letter.attempts(),
        first_failed_at: failure.map(|failure| rfc_3339_millis(failure.first_at)),
        last_failed_at: failure.map(|failure| rfc_3339_millis(failure.last_at)),
        error: failure.map(|failure| failure.error.clone()),
    }
}

fn schedule_view(schedule: &schedule::Schedule) -> Option<ScheduleView> {
    let (last, period) = schedule.known()?;
    Some(ScheduleView {
        service: schedule.id.service.clone(),
        function: schedule.id.name.clone(),
        every_ms: u64::try_from(period.as_millis()).unwrap_or(u64::MAX),
        last_at: last.began_at.map(rfc_3339_millis),
        next_at: rfc_3339_millis(last.next(period, clock::unix_micros())),
        running: schedule.runs(),
        error: last.error,
        failures: last.failures,
    })
}
