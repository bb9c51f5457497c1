//! Deletes events that every subscriber has handled, once they are old enough, and measures how far subscribers are
//! behind. When an outbox is full, its oldest events become dead letters of the subscribers that have not handled them:
//! this file marks how far, and the delivery loop moves them. When there are too many dead letters, the oldest are deleted.
//!
//! Invariant: an event is deleted only when every current subscriber has handled it or has it among its dead letters.

use std::sync::Arc;
use std::time::Duration;

use super::commit::{Pause, commit};
use super::cursor::Cursor;
use super::delivery::DeliveryState;
use super::handlers::{Handlers, Pair};
use super::registry::Registry;
use super::subscription::{Endpoints, Subscription};
use crate::clock;
use crate::limits::{COMMIT_KEYS_MAX, DEAD_LETTERS_MAX};
use crate::names::ServiceName;
use crate::observe::events;
use crate::store::system::{DEAD_LETTERS, EventSeq, OUTBOX, OutboxKey, Usage};
use crate::store::{Store, StoreError};
use crate::tasks::{Stop, blocking};

const EVERY: Duration = Duration::from_secs(1);

/// The time between passes while an outbox is full.
const EVERY_WHILE_FULL: Duration = Duration::from_millis(50);

/// Events per read.
const PAGE: u32 = 500;
const _: () = assert!(PAGE as usize <= COMMIT_KEYS_MAX);

/// The maximum of counted events after a cursor: a service with more is far behind.
const LAG_COUNTED_MAX: u32 = 10_000;

/// How far a service is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Lag {
    pub(super) events: usize,
    /// The age of the oldest of them.
    pub(super) oldest: Duration,
}

pub(super) async fn run(registry: &Arc<Registry>, mut stop: Stop) {
    let mut every = EVERY;
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => return,
            () = tokio::time::sleep(every) => {}
        }
        every = EVERY;
        for subscription in registry.subscriptions() {
            on_blocking_thread(move || measure(&subscription)).await;
        }
        for backend in registry.backends() {
            let (service, kept_bytes_max) = (backend.service.name(), backend.service.limits().kept_bytes_max);
            match retain(registry, backend.service.store(), kept_bytes_max, &stop).await {
                Ok(true) => every = EVERY_WHILE_FULL,
                Ok(false) => {}
                Err(Pause::Stopped) => return,
                Err(Pause::Waits(why)) => {
                    if registry.log_limits.allows(("old events could not be deleted", service.clone())) {
                        tracing::error!(%service, why, "old events and dead letters could not be deleted; the host \
                            tries again");
                    }
                }
            }
        }
    }
}

/// Runs long reads on a blocking thread, so that they delay no other task.
async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match blocking(work).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn measure(subscription: &Subscription) {
    let Some(endpoints) = subscription.endpoints() else { return };
    if let Ok(lag) = lag(subscription, &endpoints) {
        subscription.metrics.lags(lag.events, lag.oldest);
    }
}

/// How far the subscriber is behind its emitter, according to the stored cursor.
pub(super) fn lag(subscription: &Subscription, endpoints: &Endpoints) -> Result<Lag, StoreError> {
    let cursor = Cursor::read(&endpoints.subscriber, &subscription.pair.emitter)?;
    let keys = endpoints.emitter.emitted_keys(cursor.handled(&endpoints.handlers), LAG_COUNTED_MAX)?;
    let age = |oldest: &OutboxKey| clock::unix_micros().saturating_sub(oldest.emitted_at);
    Ok(Lag { events: keys.len(), oldest: Duration::from_micros(keys.first().map_or(0, age)) })
}

/// Deletes unneeded events and dead letters of `store`. True while its outbox is full.
async fn retain(registry: &Arc<Registry>, store: &Store, kept_bytes_max: u64, stop: &Stop) -> Result<bool, Pause> {
    let too_many = store.usage(&DEAD_LETTERS).rows > DEAD_LETTERS_MAX;
    if too_many || store.usage(&DEAD_LETTERS).bytes > DEAD_LETTERS.bytes_max(kept_bytes_max) {
        delete_dead_letters(registry, store, DEAD_LETTERS.bytes_max(kept_bytes_max)).await?;
    }
    let overflow = {
        let store = store.clone();
        on_blocking_thread(move || overflow(&store, OUTBOX.bytes_max(kept_bytes_max))).await?
    };
    if let Some(until) = overflow {
        for subscription in registry.subscriptions().iter().filter(|known| known.pair.emitter == *store.name()) {
            let Some(endpoints) = subscription.endpoints() else { continue };
            let cursor = Cursor::read(&endpoints.subscriber, &subscription.pair.emitter)?;
            if cursor.handled(&endpoints.handlers) < until && subscription.set_overflow(until) {
                if !subscription.log_limits.allows("the outbox is full") {
                    continue;
                }
                let Pair { subscriber, emitter } = &subscription.pair;
                tracing::error!(service = %subscriber, from = %emitter, "the outbox is full: the oldest undelivered \
                    events become dead letters");
            }
        }
    }
    delete_handled(registry, store, overflow, stop).await?;
    Ok(overflow.is_some())
}

/// The last of the oldest events of `store` that exceed its budget, estimated by their share of the bytes; `None` when
/// the outbox has room.
fn overflow(store: &Store, bytes_max: u64) -> Result<Option<EventSeq>, StoreError> {
    let Usage { rows, bytes } = store.usage(&OUTBOX);
    if bytes <= bytes_max {
        return Ok(None);
    }
    // A little more than necessary, so that the next event does not fill it again.
    let excess = bytes - bytes_max / 10 * 9;
    let count = (u128::from(rows) * u128::from(excess)).div_ceil(u128::from(bytes));
    let keys = store.emitted_keys(EventSeq::START, u32::try_from(count).unwrap_or(u32::MAX))?;
    Ok(keys.last().map(|key| key.seq))
}

/// Deletes the oldest dead letters until they take less than `bytes_max` and their number is within its bound.
async fn delete_dead_letters(registry: &Registry, store: &Store, bytes_max: u64) -> Result<(), Pause> {
    let all = {
        let store = store.clone();
        let read = move || DeliveryState::Dead.ids(&store, None, None, u32::MAX);
        let mut all = on_blocking_thread(read).await?;
        all.sort_unstable_by_key(|id| id.seq);
        all
    };
    let mut deleted = 0;
    for some in all.chunks(PAGE as usize / 10) {
        let Usage { rows, bytes } = store.usage(&DEAD_LETTERS);
        if rows <= DEAD_LETTERS_MAX && bytes <= bytes_max {
            break;
        }
        commit(store, some.iter().map(|id| DeliveryState::Dead.delete(id)).collect()).await?;
        deleted += some.len();
    }
    events::dead_letters_deleted(store.name(), deleted);
    if registry.log_limits.allows(("there were too many dead letters", store.name().clone())) {
        tracing::error!(service = %store.name(), deleted, "there were too many dead letters: the oldest were deleted");
    }
    Ok(())
}

/// Deletes events of `store` that every subscriber has handled: the old ones, and those up to `overflow`.
async fn delete_handled(
    registry: &Registry,
    store: &Store,
    overflow: Option<EventSeq>,
    stop: &Stop,
) -> Result<(), Pause> {
    let kept_micros = registry.settings.kept_ms.saturating_mul(1_000);
    let before = clock::unix_micros().saturating_sub(kept_micros);
    let may_go = |key: &OutboxKey| key.emitted_at < before || overflow.is_some_and(|until| key.seq <= until);
    // Usually there is nothing to delete, and only this one key is read.
    if !store.emitted_keys(EventSeq::START, 1)?.first().is_some_and(may_go) {
        return Ok(());
    }
    let handled = handled_by_all(registry, store.name())?;
    while !stop.is_set() {
        let page = store.emitted_keys(EventSeq::START, PAGE)?;
        let goes = |key: &&OutboxKey| may_go(key) && handled.is_none_or(|last| key.seq <= last);
        let rows: Vec<_> = page.iter().take_while(goes).map(|key| OUTBOX.delete(key)).collect();
        let all = rows.len() == page.len();
        if rows.is_empty() {
            break;
        }
        commit(store, rows).await?;
        if !all {
            break;
        }
    }
    Ok(())
}

/// The last event up to which every subscriber has handled the events of `emitter`; `None` without a subscriber.
fn handled_by_all(registry: &Registry, emitter: &ServiceName) -> Result<Option<EventSeq>, StoreError> {
    let routing = registry.calls.routing();
    let mut all: Option<EventSeq> = None;
    for subscriber in routing.live().backends() {
        let pair = Pair { subscriber: subscriber.service.name().clone(), emitter: emitter.clone() };
        if let Some(handlers) = Handlers::of(routing.worlds(), &pair) {
            let cursor = Cursor::read(subscriber.service.store(), emitter)?;
            // A subscriber whose loop has not started yet has handled no event.
            let last = if cursor.missing(&handlers).is_empty() { cursor.handled(&handlers) } else { EventSeq::START };
            all = Some(all.map_or(last, |all| all.min(last)));
        }
    }
    Ok(all)
}
