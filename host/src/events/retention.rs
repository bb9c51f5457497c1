//! Deletes events that every subscriber has handled, once they are old enough, and measures how far subscribers are
//! behind.
//!
//! Invariant: an event is deleted only when every service that subscribes to it now has handled it.

use std::time::Duration;

use super::commit::commit;
use super::cursor::Cursor;
use super::handlers::{Handlers, Pair};
use super::registry::Registry;
use super::subscription::{Endpoints, Subscription};
use crate::clock;
use crate::limits::COMMIT_KEYS_MAX;
use crate::names::ServiceName;
use crate::store::system::{EventSeq, OUTBOX, OutboxKey};
use crate::store::{Store, StoreError};
use crate::tasks::Stop;

const EVERY: Duration = Duration::from_secs(1);

/// Events that are read at once.
const PAGE: u32 = 500;
const _: () = assert!(PAGE as usize <= COMMIT_KEYS_MAX);

/// Events that are counted of those behind a cursor: a service with more is far behind.
const LAG_COUNTED_MAX: u32 = 10_000;

/// How far a service is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lag {
    pub(super) events: usize,
    /// The age of the oldest of them.
    pub(super) oldest: Duration,
}

pub(super) async fn run(registry: &Registry, mut stop: Stop) {
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for subscription in registry.subscriptions() {
            measure(&subscription);
        }
        for store in registry.stores() {
            if let Err(error) = delete_handled(registry, &store, &stop).await {
                tracing::error!(service = %store.name(), %error, "events that were delivered cannot be deleted");
            }
        }
    }
}

fn measure(subscription: &Subscription) {
    let Some(endpoints) = subscription.endpoints() else { return };
    if let Ok(lag) = lag(subscription, &endpoints) {
        subscription.metrics.lags(lag.events, lag.oldest);
    }
}

/// How far the subscriber is behind its emitter, by the cursor that is stored.
pub(super) fn lag(subscription: &Subscription, endpoints: &Endpoints) -> Result<Lag, StoreError> {
    let cursor = Cursor::read(&endpoints.subscriber, &subscription.pair.emitter)?;
    let keys = endpoints.emitter.emitted_keys(cursor.handled(&endpoints.handlers), LAG_COUNTED_MAX)?;
    let age = |oldest: &OutboxKey| clock::unix_micros().saturating_sub(oldest.emitted_at);
    Ok(Lag { events: keys.len(), oldest: Duration::from_micros(keys.first().map_or(0, age)) })
}

/// Deletes what `store` has of old events that every subscriber has handled.
async fn delete_handled(registry: &Registry, store: &Store, stop: &Stop) -> Result<(), StoreError> {
    let kept_micros = registry.settings.kept_ms.saturating_mul(1_000);
    let before = clock::unix_micros().saturating_sub(kept_micros);
    let handled = handled_by_all(registry, store.name())?;
    while !stop.is_set() {
        let page = store.emitted_keys(EventSeq::START, PAGE)?;
        let goes = |key: &&OutboxKey| key.emitted_at < before && handled.is_none_or(|last| key.seq <= last);
        let rows: Vec<_> = page.iter().take_while(goes).map(|key| OUTBOX.delete(key)).collect();
        let all = rows.len() == page.len();
        if rows.is_empty() || commit(store, rows).await.is_err() || !all {
            break;
        }
    }
    Ok(())
}

/// The last event up to which every subscriber has handled those of `emitter`; nothing when it has no subscriber.
fn handled_by_all(registry: &Registry, emitter: &ServiceName) -> Result<Option<EventSeq>, StoreError> {
    let routing = registry.calls.routing();
    let mut all: Option<EventSeq> = None;
    for subscriber in routing.live().backends() {
        let pair = Pair { subscriber: subscriber.service.name().clone(), emitter: emitter.clone() };
        if let Some(handlers) = Handlers::of(routing.worlds(), &pair) {
            let cursor = Cursor::read(subscriber.service.store(), emitter)?;
            // A subscriber whose loop has not started yet has handled nothing.
            let last = if cursor.missing(&handlers).is_empty() { cursor.handled(&handlers) } else { EventSeq::START };
            all = Some(all.map_or(last, |all| all.min(last)));
        }
    }
    Ok(all)
}
