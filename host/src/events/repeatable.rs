//! Since when the memos of deliveries are needed: those of an event that may be delivered again must stay.

use std::sync::Arc;

use super::cursor::Cursor;
use super::delivery::{Delivery, DeliveryState};
use super::registry::Events;
use super::subscription::Subscription;
use crate::store::StoreError;

impl Events {
    /// When the oldest event was emitted that is being delivered or retried, in microseconds since the Unix epoch. All
    /// memos are needed where that cannot be read.
    #[must_use]
    pub fn needed_since(&self) -> Option<u64> {
        let since = |subscription: &Arc<Subscription>| needed_since(subscription).unwrap_or(Some(0));
        self.inner.subscriptions().iter().filter_map(since).min()
    }
}

fn needed_since(subscription: &Subscription) -> Result<Option<u64>, StoreError> {
    let Some(endpoints) = subscription.endpoints() else { return Ok(None) };
    let emitter = &subscription.pair.emitter;
    let last = Cursor::read(&endpoints.subscriber, emitter)?.handled(&endpoints.handlers);
    let next = endpoints.emitter.emitted_keys(last, 1)?;
    let retried = Delivery::list(&endpoints.subscriber, DeliveryState::Retrying, Some(emitter), None, 1)?;
    let next = next.first().map(|key| key.emitted_at);
    Ok(next.into_iter().chain(retried.first().map(|delivery| delivery.emitted_at)).min())
}
