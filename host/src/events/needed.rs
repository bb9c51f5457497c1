//! Since when the memos of deliveries are needed: those of what may be delivered again must not be taken away.

use super::Events;
use super::letter::{Fate, Letter};
use super::position::Position;
use super::subscription::Subscription;
use crate::store::StoreError;

impl Events {
    /// When the oldest event was emitted that is being delivered, or tried again, in microseconds since the Unix epoch:
    /// what its handler did elsewhere is kept under that time. All is needed where that cannot be read.
    #[must_use]
    pub fn needed_since(&self) -> Option<u64> {
        let since = |subscription: &std::sync::Arc<Subscription>| needed_since(subscription).unwrap_or(Some(0));
        self.inner.subscriptions().iter().filter_map(since).min()
    }
}

fn needed_since(subscription: &Subscription) -> Result<Option<u64>, StoreError> {
    let Some(desk) = subscription.desk(None) else { return Ok(None) };
    let emitter = &subscription.pair.emitter;
    let last = Position::read(&desk.own, emitter)?.last_taken(&desk.taken);
    let next = desk.emitter.emitted(Some(last), 1)?;
    let retried = Letter::list(&desk.own, Fate::Retrying, Some(emitter), None, 1)?;
    let next = next.first().map(|emitted| emitted.time_unix_micros);
    Ok(next.into_iter().chain(retried.first().map(|letter| letter.emitted_at)).min())
}
