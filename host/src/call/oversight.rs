//! What the operator does with open intents: looks at them, has them made again, gives them up, and waits for their end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::Calls;
use super::intent::Intent;
use super::intents::{IntentView, NotTaken};
use crate::contract::Function;
use crate::names::{CallId, CommitSeq, ServiceName};
use crate::store::system::INTENTS;
use crate::store::{CommitDetails, CommitError, Store};

/// Why an intent was not done with as told. It is still open.
#[derive(Debug, thiserror::Error)]
pub enum IntentError {
    #[error("no intent with this id is open")]
    Unknown,
    #[error("the call of this intent runs right now: try again when that has ended")]
    Running,
    #[error("the service {service} of this intent is not there")]
    NoService { service: ServiceName },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<NotTaken> for IntentError {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Unknown => Self::Unknown,
            NotTaken::Taken => Self::Running,
        }
    }
}

/// An open intent that is not gone on with while this is there.
#[derive(Debug)]
pub struct HeldIntent {
    calls: Calls,
    id: CallId,
    intent: Arc<Intent>,
    store: Store,
    /// Whether it is due at once when it is let go.
    due: bool,
    is_closed: bool,
}

impl Drop for HeldIntent {
    fn drop(&mut self) {
        if !self.is_closed {
            self.calls.inner.intents.give_back(self.id, Arc::clone(&self.intent), self.due);
        }
    }
}

impl HeldIntent {
    /// Closes it: its call is not made again, and what it did elsewhere stays as it is. That is durable then.
    ///
    /// # Errors
    ///
    /// [`IntentError::Commit`]; then it is still open, or closed by a commit that may not survive.
    pub async fn give_up(mut self) -> Result<(), IntentError> {
        close_intent(&self.store, self.id).await?;
        self.is_closed = true;
        self.calls.inner.intents.remove(self.id);
        Ok(())
    }

    /// Has it go on with the live releases from now on, also after a restart.
    async fn put_on_live(&mut self) -> Result<(), IntentError> {
        let intent = self.intent.put_on_live();
        let mut transaction = self.store.begin();
        transaction.write_row(INTENTS.put(&self.id, intent.encode()));
        transaction.commit(CommitDetails { call: self.id, data_version: None }).await?;
        self.intent = Arc::new(intent);
        Ok(())
    }
}

impl Calls {
    /// The open intents that wait to be gone on with, oldest first.
    #[must_use]
    pub fn intents(&self) -> Vec<IntentView> {
        self.inner.intents.views(|_| true)
    }

    #[must_use]
    pub fn intent(&self, id: CallId) -> Option<IntentView> {
        self.inner.intents.view(id)
    }

    /// Has an intent made again at once; with `live` on the live releases, this time and from now on, whatever it began
    /// with.
    ///
    /// # Errors
    ///
    /// [`IntentError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is made again when it would have been, on live releases or on those that it began with.
    pub async fn retry_intent(&self, id: CallId, live: bool) -> Result<IntentView, IntentError> {
        let mut held = self.hold_intent(id)?;
        if live && !held.intent.on_live {
            held.put_on_live().await?;
        }
        held.due = true;
        drop(held);
        self.intent(id).ok_or(IntentError::Unknown)
    }

    /// Keeps an intent from being gone on with.
    ///
    /// # Errors
    ///
    /// [`IntentError`], but of a commit.
    pub fn hold_intent(&self, id: CallId) -> Result<HeldIntent, IntentError> {
        let view = self.intent(id).ok_or(IntentError::Unknown)?;
        let store =
            self.inner.routing.load().live().backend(&view.service).map(|backend| backend.service.store.clone());
        let store = store.ok_or(IntentError::NoService { service: view.service })?;
        let intent = self.inner.intents.take(id)?;
        Ok(HeldIntent { calls: self.clone(), id, intent, store, due: false, is_closed: false })
    }

    /// Waits until no intent is open whose call may come to `service`, but not longer than `until`; gives those that are
    /// open then, oldest first. Another may be opened at any time.
    pub async fn intents_ended(&self, service: &ServiceName, until: Instant) -> Vec<IntentView> {
        loop {
            let closed = self.inner.intents.closed();
            let open = self.intents_that_reach(service);
            if open.is_empty() || tokio::time::timeout_at(until.into(), closed).await.is_err() {
                return open;
            }
        }
    }

    fn intents_that_reach(&self, service: &ServiceName) -> Vec<IntentView> {
        let routing = self.inner.routing.load();
        let names = routing.live().backends().map(|backend| backend.service.name());
        let from: BTreeSet<_> = names.filter(|name| routing.live().reaches(name, service)).collect();
        self.inner.intents.views(|intent| intent.service == *service || from.contains(&intent.service))
    }

    /// Whether a call of this function waits to be gone on with.
    #[must_use]
    pub fn has_intent_of(&self, service: &ServiceName, function: &Function) -> bool {
        self.inner.intents.any(|intent| intent.service == *service && intent.is_of(function))
    }

    /// When the oldest of the calls began that wait to be gone on with, in microseconds since the Unix epoch.
    #[must_use]
    pub fn oldest_intent(&self) -> Option<u64> {
        self.inner.intents.oldest()
    }

    /// Brings the metrics of intents up to date.
    pub fn measure_intents(&self) {
        self.inner.intents.measure();
    }
}

/// Closes an intent of a store that nobody has found yet; that is durable then.
///
/// # Errors
///
/// [`CommitError`]; then it is still open, or closed by a commit that may not survive.
pub async fn close_intent(store: &Store, id: CallId) -> Result<(), CommitError> {
    let number = close(store, id).await?;
    store.wait_durable(number).await.map_err(CommitError::Stopped)
}

pub(super) async fn close(store: &Store, call: CallId) -> Result<CommitSeq, CommitError> {
    let mut transaction = store.begin();
    transaction.write_row(INTENTS.delete(&call));
    transaction.commit(CommitDetails { call, data_version: None }).await
}
