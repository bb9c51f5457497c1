//! Deletes events that every subscriber has handled, once they are old enough, and measures how far subscribers are
//! behind.
//!
//! Invariant: an event is deleted only when every service that subscribes to it now has handled it.

use std::time::Duration;

use super::commit::commit;
use super::cursor::Cursor;
use super::event_id::EventSeq;
use super::handlers::{Handlers, Pair};
use super::registry::Registry;
use super::subscription::{Endpoints, Subscription};
use crate::clock;
use crate::limits::COMMIT_KEYS_MAX;
use crate::names::{Key, ServiceName};
use crate::store::{Emitted, Store, StoreError};
use crate::tasks::Stop;

const EVERY: Duration = Duration::from_secs(1);

/// Events that are read at once.
const PAGE: u32 = 500;
const _: () = assert!(PAGE as usize <= COMMIT_KEYS_MAX);

/// Events that are counted of those behind a cursor: a service with more is far behind.
const LAG_COUNTED_MAX: usize = 10_000;

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
    let mut last = cursor.handled(&endpoints.handlers);
    let mut lag = Lag::default();
    while lag.events < LAG_COUNTED_MAX {
        let page = endpoints.emitter.emitted(Some((last.0, last.1)), PAGE)?;
        let (Some(oldest), Some(end)) = (page.first(), page.last()) else { break };
        if lag.events == 0 {
            lag.oldest = Duration::from_micros(clock::unix_micros().saturating_sub(oldest.time_unix_micros));
        }
        lag.events += page.len();
        last = EventSeq::of(end);
    }
    Ok(lag)
}

/// Deletes what `store` has of old events that every subscriber has handled.
async fn delete_handled(registry: &Registry, store: &Store, stop: &Stop) -> Result<(), StoreError> {
    let kept_micros = registry.settings.kept_ms.saturating_mul(1_000);
    let before = clock::unix_micros().saturating_sub(kept_micros);
    let is_old = |emitted: &Emitted| emitted.time_unix_micros < before;
    // Most of the time there is nothing to do, and nothing more is read than that.
    if !store.emitted(None, 1)?.first().is_some_and(is_old) {
        return Ok(());
    }
    let handled = handled_by_all(registry, store.name())?;
    while !stop.is_set() {
        let page = store.emitted(None, PAGE)?;
        let goes = |emitted: &&Emitted| is_old(emitted) && handled.is_none_or(|last| EventSeq::of(emitted) <= last);
        let keys: Vec<(Key, _)> = page.iter().take_while(goes).map(|emitted| (emitted.key(), None)).collect();
        let all = keys.len() == page.len();
        if keys.is_empty() || commit(store, keys).await.is_err() || !all {
            break;
        }
    }
    Ok(())
}

/// The last event up to which every subscriber has handled those of `emitter`; nothing when it has no subscriber.
fn handled_by_all(registry: &Registry, emitter: &ServiceName) -> Result<Option<EventSeq>, StoreError> {
    let routing = registry.calls.routing();
    let mut all: Option<EventSeq> = None;
    for subscriber in routing.live().members() {
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
