//! The operator's view of open intents: lists them, retries or abandons one, and waits for their end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::calls::Calls;
use crate::call::durability::closing_intent;
use crate::call::durability::intent::Intent;
use crate::call::durability::open_intents::{IntentView, NotTaken};
use crate::call::engine::answer::CallError;
use crate::contract::Function;
use crate::names::{CallId, ServiceName};
use crate::store::system::INTENTS;
use crate::store::{CommitDetails, CommitError, Store, Transaction};

/// Why an operation on an intent failed. The intent is still open.
#[derive(Debug, thiserror::Error)]
pub enum IntentError {
    #[error("no intent with this id is open")]
    Unknown,
    #[error("the call of this intent is running: try again when it has ended")]
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
            NotTaken::Running => Self::Running,
        }
    }
}

/// An open intent whose call does not run while this exists.
#[derive(Debug)]
pub struct IntentHold {
    calls: Calls,
    id: CallId,
    intent: Arc<Intent>,
    store: Store,
    /// Whether it is due at once when this is dropped.
    due: bool,
    is_closed: bool,
}

impl Drop for IntentHold {
    fn drop(&mut self) {
        if !self.is_closed {
            self.calls.inner.durable.intents.give_back(self.id, Arc::clone(&self.intent), self.due);
        }
    }
}

impl IntentHold {
    /// A transaction of its store that closes it, for a commit of the host.
    #[must_use]
    pub fn closing(&self) -> Transaction {
        closing_intent(&self.store, self.id)
    }

    /// A commit has closed it: its call never runs again, and its effects elsewhere stay. Its waiters get an error.
    pub fn closed(mut self) {
        self.is_closed = true;
        let abandoned = CallError::Failed { service: self.intent.service.clone() };
        self.calls.inner.durable.intents.end(self.id, &Err(abandoned));
    }

    /// Makes it continue on the live releases, also after a restart. This is durable when the future resolves.
    async fn use_live_releases(&mut self) -> Result<(), IntentError> {
        let intent = self.intent.with_live_releases();
        let mut transaction = self.store.begin();
        transaction.write_row(INTENTS.put(&self.id, intent.encode()));
        let number = transaction.commit(CommitDetails { call: self.id, data_version: None }).await?;
        self.store.wait_durable(number).await.map_err(CommitError::Stopped)?;
        self.intent = Arc::new(intent);
        Ok(())
    }
}

impl Calls {
    /// The open intents, oldest first.
    #[must_use]
    pub fn intents(&self) -> Vec<IntentView> {
        self.inner.durable.intents.views(|_| true)
    }

    #[must_use]
    pub fn intent(&self, id: CallId) -> Option<IntentView> {
        self.inner.durable.intents.view(id)
    }

    /// Runs the call of an intent again at once; with `live`, on the live releases from now on.
    ///
    /// # Errors
    ///
    /// [`IntentError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the call runs at its planned time, either on the live releases or on its original
    /// ones.
    pub async fn retry_intent(&self, id: CallId, live: bool) -> Result<IntentView, IntentError> {
        let mut held = self.hold_intent(id)?;
        if live && !held.intent.on_live {
            held.use_live_releases().await?;
        }
        held.due = true;
        drop(held);
        self.intent(id).ok_or(IntentError::Unknown)
    }

    /// Keeps the call of an intent from running.
    ///
    /// # Errors
    ///
    /// [`IntentError`], except for a failed commit.
    pub fn hold_intent(&self, id: CallId) -> Result<IntentHold, IntentError> {
        let view = self.intent(id).ok_or(IntentError::Unknown)?;
        let store =
            self.inner.current.load().live().backend(&view.service).map(|backend| backend.service.store.clone());
        let store = store.ok_or(IntentError::NoService { service: view.service })?;
        let intent = self.inner.durable.intents.take(id)?;
        Ok(IntentHold { calls: self.clone(), id, intent, store, due: false, is_closed: false })
    }

    /// Waits until no open intent can reach `service`, at most until `until`. Returns those that are still open, oldest
    /// first. A new one may be opened at any time.
    pub async fn intents_ended(&self, service: &ServiceName, until: Instant) -> Vec<IntentView> {
        loop {
            let closed = self.inner.durable.intents.closed();
            let open = self.intents_that_reach(service);
            if open.is_empty() || tokio::time::timeout_at(until.into(), closed).await.is_err() {
                return open;
            }
        }
    }

    fn intents_that_reach(&self, service: &ServiceName) -> Vec<IntentView> {
        let routing = self.inner.current.load();
        let names = routing.live().backends().map(|backend| backend.service.name());
        let from: BTreeSet<_> = names.filter(|name| routing.live().reaches(name, service)).collect();
        self.inner.durable.intents.views(|intent| intent.service == *service || from.contains(&intent.service))
    }

    /// Whether an intent of this function is open.
    #[must_use]
    pub fn has_intent_of(&self, service: &ServiceName, function: &Function) -> bool {
        self.inner.durable.intents.any(|intent| intent.service == *service && intent.is_of(function))
    }

    /// Updates the metrics of intents.
    pub fn measure_intents(&self) {
        self.inner.durable.intents.measure();
    }
}
