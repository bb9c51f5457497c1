//! The operator's changes of dead letters, by id: replay or delete them.
//!
//! Invariant: one change at a time, so that two requests do not replay one dead letter twice.

use std::fmt;

use super::commit::commit;
use super::delivery::{Delivery, DeliveryState, Failure};
use super::handlers::Pair;
use super::registry::Events;
use super::subscription::Subscription;
use crate::clock;
use crate::names::{CommitSeq, NameError, ServiceName};
use crate::store::system::{EventId, EventSeq};
use crate::store::{CommitError, Stopped, Store, StoreError};

/// Dead letters per deleting commit.
const PAGE: u32 = 200;

/// A selection of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    All,
    These(Vec<EventId>),
}

/// Why dead letters were not changed.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    #[error("there is no service {service}")]
    NoService { service: ServiceName },
    #[error("{service} has no dead letter {id}")]
    NoDeadLetter { service: ServiceName, id: EventId },
    #[error("{service} does not subscribe to events of {emitter} now")]
    NotSubscribed { service: ServiceName, emitter: ServiceName },
    #[error("{count} events of {emitter} are retried already: replay the dead letters when there are fewer")]
    Full { emitter: ServiceName, count: usize },
    #[error("the dead letters cannot be read")]
    Store(#[from] StoreError),
    #[error("the dead letters cannot be changed")]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Events {
    /// Delivers dead letters again, as if they had not failed before, and returns their number. [`DeadLetters::All`]
    /// replays only as many as there is room for.
    ///
    /// # Errors
    ///
    /// [`DeadLetterError`]. After [`DeadLetterError::NoDeadLetter`] all are unchanged; after any other error some may
    /// already be retried.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, some of the dead letters are retried, and the others are unchanged.
    pub async fn replay(&self, service: &ServiceName, chosen: &DeadLetters) -> Result<usize, DeadLetterError> {
        let _alone = self.inner.operating.lock().await;
        let store = self.store(service)?;
        let (mut replayed, mut last) = (0, CommitSeq::default());
        for id in ids(service, &store, chosen)? {
            let pair = Pair { subscriber: service.clone(), emitter: id.emitter.clone() };
            let Some(subscription) = self.inner.subscription(&pair) else {
                return Err(DeadLetterError::NotSubscribed { service: pair.subscriber, emitter: pair.emitter });
            };
            match replay_one(&subscription, &store, &id).await {
                Err(DeadLetterError::Full { .. }) if replayed > 0 => break,
                commit => last = commit?,
            }
            replayed += 1;
        }
        store.wait_durable(last).await?;
        Ok(replayed)
    }

    /// Deletes dead letters, and returns their number.
    ///
    /// # Errors
    ///
    /// Like [`Events::replay`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, some of the dead letters are deleted, and the others are unchanged.
    pub async fn discard(&self, service: &ServiceName, chosen: &DeadLetters) -> Result<usize, DeadLetterError> {
        let _alone = self.inner.operating.lock().await;
        let store = self.store(service)?;
        let ids = ids(service, &store, chosen)?;
        let mut last = CommitSeq::default();
        for some in ids.chunks(PAGE as usize) {
            last = commit(&store, some.iter().map(|id| DeliveryState::Dead.delete(id)).collect()).await?;
        }
        store.wait_durable(last).await?;
        Ok(ids.len())
    }

    fn store(&self, service: &ServiceName) -> Result<Store, DeadLetterError> {
        self.inner.store(service).ok_or_else(|| DeadLetterError::NoService { service: service.clone() })
    }
}

/// The ids of the chosen dead letters. All of them exist.
fn ids(service: &ServiceName, store: &Store, chosen: &DeadLetters) -> Result<Vec<EventId>, DeadLetterError> {
    let DeadLetters::These(ids) = chosen else {
        return Ok(DeliveryState::Dead.ids(store, None, None, u32::MAX)?);
    };
    let mut ids = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        if Delivery::read(store, id, DeliveryState::Dead)?.is_none() {
            return Err(DeadLetterError::NoDeadLetter { service: service.clone(), id: id.clone() });
        }
    }
    Ok(ids)
}

/// Moves a dead letter to the retry queue.
async fn replay_one(subscription: &Subscription, store: &Store, id: &EventId) -> Result<CommitSeq, DeadLetterError> {
    let Pair { subscriber, emitter } = subscription.pair.clone();
    let Some(endpoints) = subscription.endpoints() else {
        return Err(DeadLetterError::NotSubscribed { service: subscriber, emitter });
    };
    let Some(mut delivery) = Delivery::read(store, id, DeliveryState::Dead)? else {
        return Err(DeadLetterError::NoDeadLetter { service: subscriber, id: id.clone() });
    };
    delivery.failure = delivery.failure.map(|failure| Failure { attempts: 0, ..failure });
    let mut queue = subscription.queue.lock().await;
    if !subscription.has_room(store, queue.len()) {
        return Err(DeadLetterError::Full { emitter, count: queue.len() });
    }
    let rows = vec![DeliveryState::Dead.delete(id), delivery.row(DeliveryState::Retrying)];
    let committed = commit(store, rows).await?;
    queue.add(subscription.order(&endpoints, &delivery), clock::now());
    subscription.wake.notify_one();
    Ok(committed)
}

impl EventId {
    /// Parses an id such as `inventory.42.0`: the first event in commit 42 of `inventory`.
    ///
    /// # Errors
    ///
    /// Unless `text` is the name of a service and two numbers, separated by dots.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let rule =
            "must be written like `inventory.42.0`: the emitting service, its commit, and the index of the event";
        let error = || NameError::new("event", text, rule);
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(error);
        let emitter = ServiceName::parse(part()?).map_err(|_| error())?;
        let (commit, index) = (part()?.parse().map_err(|_| error())?, part()?.parse().map_err(|_| error())?);
        Ok(Self { emitter, seq: EventSeq(CommitSeq(commit), index) })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { emitter, seq: EventSeq(commit, index) } = self;
        write!(f, "{emitter}.{}.{index}", commit.0)
    }
}
