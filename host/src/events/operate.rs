//! What the operator does with dead letters: deliver them after all, or drop them.
//!
//! Invariant: one change at a time, so that no letter is delivered because of two who asked for it.

use super::Events;
use super::entries::put;
use super::letter::{Failed, Fate, Letter, LetterId};
use super::subscription::Subscription;
use super::taken::Pair;
use crate::clock;
use crate::limits::LETTERS_RETRIED_MAX;
use crate::names::{CommitSeq, ServiceName};
use crate::store::{CommitError, Stopped, Store, StoreError};

/// Letters that are read at once, and dropped by one commit.
const LETTERS_AT_ONCE: u32 = 200;

/// Which dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letters {
    All,
    These(Vec<LetterId>),
}

/// Why dead letters stay.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    #[error("there is no service {service}")]
    NoService { service: ServiceName },
    #[error("{service} has no dead letter {id}")]
    NoLetter { service: ServiceName, id: LetterId },
    #[error("{service} takes no events of {emitter} now")]
    NotTaken { service: ServiceName, emitter: ServiceName },
    #[error("{count} events of {emitter} are tried again already: replay the letters when there are fewer")]
    Full { emitter: ServiceName, count: usize },
    #[error("the letters cannot be read")]
    Store(#[from] StoreError),
    #[error("the letters cannot be changed")]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Events {
    /// Has dead letters delivered again, as if they had not failed before, and tells how many. With
    /// [`Letters::All`] as many as there is room for.
    ///
    /// # Errors
    ///
    /// [`LetterError`]. After [`LetterError::NoLetter`] all are as they were; after any other some may be on their way.
    ///
    /// # Cancel safety
    ///
    /// Dropped, some of the letters are on their way, and the others are as they were.
    pub async fn replay(&self, service: &ServiceName, letters: &Letters) -> Result<usize, LetterError> {
        let _alone = self.inner.operating.lock().await;
        let store = self.store(service)?;
        let (mut replayed, mut last) = (0, CommitSeq::default());
        for id in chosen(service, &store, letters)? {
            let subscription = self.subscription(service, &id.emitter)?;
            match revive(&subscription, &store, &id).await {
                Err(LetterError::Full { .. }) if replayed > 0 => break,
                number => last = number?,
            }
            replayed += 1;
        }
        store.wait_durable(last).await?;
        Ok(replayed)
    }

    /// Deletes dead letters for good, and tells how many.
    ///
    /// # Errors
    ///
    /// As [`Events::replay`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, some of the letters are gone, and the others are as they were.
    pub async fn discard(&self, service: &ServiceName, letters: &Letters) -> Result<usize, LetterError> {
        let _alone = self.inner.operating.lock().await;
        let store = self.store(service)?;
        let chosen = chosen(service, &store, letters)?;
        let mut last = CommitSeq::default();
        for some in chosen.chunks(LETTERS_AT_ONCE as usize) {
            last = put(&store, some.iter().map(|id| id.deletion(Fate::Dead)).collect()).await?;
        }
        store.wait_durable(last).await?;
        Ok(chosen.len())
    }

    fn store(&self, service: &ServiceName) -> Result<Store, LetterError> {
        self.inner.store(service).ok_or_else(|| LetterError::NoService { service: service.clone() })
    }

    fn subscription(
        &self,
        service: &ServiceName,
        emitter: &ServiceName,
    ) -> Result<std::sync::Arc<Subscription>, LetterError> {
        let pair = Pair { subscriber: service.clone(), emitter: emitter.clone() };
        let found = self.inner.locked().get(&pair).filter(|found| found.is_running()).cloned();
        found.ok_or_else(|| LetterError::NotTaken { service: service.clone(), emitter: emitter.clone() })
    }
}

/// The ids of the letters that are meant, all of which are there.
fn chosen(service: &ServiceName, store: &Store, letters: &Letters) -> Result<Vec<LetterId>, LetterError> {
    let Letters::These(ids) = letters else {
        let mut all: Vec<LetterId> = Vec::new();
        loop {
            let page = Letter::list(store, Fate::Dead, None, all.last(), LETTERS_AT_ONCE)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(|letter| letter.id));
        }
    };
    let mut ids = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        if Letter::read(store, id, Fate::Dead)?.is_none() {
            return Err(LetterError::NoLetter { service: service.clone(), id: id.clone() });
        }
    }
    Ok(ids)
}

/// Makes a dead letter one that is tried again.
async fn revive(subscription: &Subscription, store: &Store, id: &LetterId) -> Result<CommitSeq, LetterError> {
    let Some(desk) = subscription.desk(None) else {
        let Pair { subscriber, emitter } = subscription.pair.clone();
        return Err(LetterError::NotTaken { service: subscriber, emitter });
    };
    let Some(mut letter) = Letter::read(store, id, Fate::Dead)? else {
        return Err(LetterError::NoLetter { service: subscription.pair.subscriber.clone(), id: id.clone() });
    };
    letter.failure = letter.failure.map(|failure| Failed { attempts: 0, ..failure });
    let mut parked = subscription.parked.lock().await;
    if parked.len() >= LETTERS_RETRIED_MAX {
        return Err(LetterError::Full { emitter: id.emitter.clone(), count: parked.len() });
    }
    let number = put(store, vec![id.deletion(Fate::Dead), letter.entry(Fate::Retrying)]).await?;
    parked.add(subscription.order(&desk, id.place, &letter.event), clock::now());
    subscription.retry.notify_one();
    Ok(number)
}
