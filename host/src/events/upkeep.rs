//! Deletes events that everybody has taken, once they were kept for long enough, and tells how far behind subscribers are.
//!
//! Invariant: an event goes only when every service that takes it now has taken it.

use std::time::Duration;

use super::Inner;
use super::entries::put;
use super::position::{Place, Position};
use super::subscription::{Desk, Subscription};
use super::taken::{Pair, Taken};
use crate::clock;
use crate::limits::COMMIT_KEYS_MAX;
use crate::names::ServiceName;
use crate::store::system::{Emitted, OUTBOX, RowWrite};
use crate::store::{Store, StoreError};
use crate::tasks::Stop;

const EVERY: Duration = Duration::from_secs(1);

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 500;
const _: () = assert!(EVENTS_AT_ONCE as usize <= COMMIT_KEYS_MAX);

/// Events that are counted of those that a service has not taken; it is far behind with more.
const LAG_COUNTED_MAX: usize = 10_000;

/// How far behind a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lag {
    pub(super) events: usize,
    /// The age of the oldest of them.
    pub(super) oldest: Duration,
}

pub(super) async fn run(inner: &Inner, mut stop: Stop) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for subscription in inner.subscriptions() {
            measure(&subscription);
        }
        for (service, store) in inner.stores() {
            if let Err(error) = sweep(inner, &service, &store, &stop).await {
                tracing::error!(%service, %error, "events that were delivered cannot be deleted");
            }
        }
    }
}

fn measure(subscription: &Subscription) {
    let Some(desk) = subscription.desk(None) else { return };
    if let Ok(lag) = lag(subscription, &desk) {
        subscription.metrics.lags(lag.events, lag.oldest);
    }
}

/// How far the subscriber is behind, as far as that is stored.
pub(super) fn lag(subscription: &Subscription, desk: &Desk) -> Result<Lag, StoreError> {
    let position = Position::read(&desk.own, &subscription.pair.emitter)?;
    let mut last = position.last_taken(&desk.taken);
    let mut lag = Lag::default();
    while lag.events < LAG_COUNTED_MAX {
        let page = desk.emitter.emitted(Some(last), EVENTS_AT_ONCE)?;
        let Some(end) = page.last() else { break };
        last = Place::of(end);
        let mut waiting = page.iter().filter(|emitted| desk.taken.handler(&emitted.event).is_some());
        if lag.events == 0
            && let Some(oldest) = waiting.next()
        {
            lag.events = 1;
            lag.oldest = Duration::from_micros(clock::unix_micros().saturating_sub(oldest.time_unix_micros));
        }
        lag.events += waiting.count();
    }
    Ok(lag)
}

/// Deletes what `service` emitted and everybody has taken.
async fn sweep(inner: &Inner, service: &ServiceName, store: &Store, stop: &Stop) -> Result<(), StoreError> {
    let kept_micros = inner.settings.kept_ms.saturating_mul(1_000);
    let before = clock::unix_micros().saturating_sub(kept_micros);
    let is_old = |emitted: &Emitted| emitted.time_unix_micros < before;
    // Most of the time there is nothing to do, and nothing more is read than that.
    if !store.emitted(None, 1)?.first().is_some_and(is_old) {
        return Ok(());
    }
    let taken = taken_by_all(inner, service)?;
    while !stop.is_set() {
        let page = store.emitted(None, EVENTS_AT_ONCE)?;
        let goes = |emitted: &&Emitted| is_old(emitted) && taken.is_none_or(|taken| Place::of(emitted) <= taken);
        let keys: Vec<RowWrite> =
            page.iter().take_while(goes).map(|emitted| OUTBOX.delete(&Place::of(emitted))).collect();
        let all = keys.len() == page.len();
        if keys.is_empty() || put(store, keys).await.is_err() || !all {
            break;
        }
    }
    Ok(())
}

/// Up to where everybody has taken what `emitter` emitted; nothing when nobody takes it.
fn taken_by_all(inner: &Inner, emitter: &ServiceName) -> Result<Option<Place>, StoreError> {
    let routing = inner.calls.routing();
    let mut all: Option<Place> = None;
    for subscriber in routing.live().backends() {
        let pair = Pair { subscriber: subscriber.service.name().clone(), emitter: emitter.clone() };
        if let Some(taken) = Taken::of(routing.worlds(), &pair) {
            let position = Position::read(subscriber.service.store(), emitter)?;
            // One that has not begun yet has taken nothing.
            let place = if position.lacks(&taken).is_empty() { position.last_taken(&taken) } else { Place::START };
            all = Some(all.map_or(place, |all| all.min(place)));
        }
    }
    Ok(all)
}
