//! Calls that were begun and have not ended: going on with them, giving them up, and changes that wait for them.
//!
//! Invariant: from when the history says that one is given up it is not made again, also when the host is killed before
//! it is closed: the ledger has it as given up until it is.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::error::DeployError;
use super::record::{Event, What};
use super::tokens::Holder;
use super::{Inner, Releases};
use crate::call::{IntentError, IntentView, close_intent};
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::store::Store;

impl Releases {
    /// Goes on with calls that were begun, until the tasks of the host are stopped.
    pub async fn recover(self) {
        self.inner.finish_giving_up().await;
        self.inner.calls.clone().recover(Arc::new(self.clone())).await;
    }

    /// Gives an intent up, for a reason that stands in the history: its call is not made again, and what it did
    /// elsewhere stays as it is. Gives it as it was.
    ///
    /// # Errors
    ///
    /// [`DeployError::Intent`] and [`DeployError::Ledger`]. Where the history has the line all the same, the next start
    /// finishes it.
    pub async fn give_up(&self, who: &Holder, id: CallId, reason: String) -> Result<IntentView, DeployError> {
        let (inner, who) = (Arc::clone(&self.inner), who.name.clone());
        self.to_the_end(async move {
            let _changing = inner.changing.lock().await;
            let intent = inner.calls.intent(id).ok_or(IntentError::Unknown)?;
            let held = inner.calls.hold_intent(id)?;
            inner.record_given_up(&who, &intent, reason)?;
            held.give_up().await?;
            inner.no_more_given_up(id);
            Ok(intent)
        })
        .await
    }

    /// Waits until no call that was begun may come to `service` any more, for `wait` at most.
    ///
    /// # Errors
    ///
    /// [`DeployError::IntentsOpen`], and [`DeployError::Stops`] when the host does.
    pub async fn intents_ended(&self, service: &ServiceName, wait: Duration) -> Result<(), DeployError> {
        let mut stop = self.inner.tasks.stop();
        let intents = tokio::select! {
            intents = self.inner.calls.intents_ended(service, clock::now() + wait) => intents,
            () = stop.wait() => return Err(DeployError::Stops),
        };
        match intents.is_empty() {
            true => Ok(()),
            false => Err(DeployError::IntentsOpen { service: service.clone(), intents }),
        }
    }
}

impl Inner {
    /// The line of the history, and in the same commit that the intent is given up.
    fn record_given_up(&self, who: &str, intent: &IntentView, reason: String) -> Result<(), DeployError> {
        let IntentView { id, service, function, begun_at, attempts, last_error, .. } = intent;
        let failed = last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let text = format!("{function}, begun {begun_at}, after {attempts} more attempts{failed}");
        let figures = json!({
            "intent": id, "function": function, "begunAt": begun_at, "attempts": attempts, "lastError": last_error,
            "text": text,
        });
        let (reason, figures) = (Some(reason), Some(figures));
        let mut change = self.ledger.begin()?;
        change.tell(Event { reason, figures, ..Event::new(who, service, What::GiveUp) })?;
        change.given_up(*id, service)?;
        Ok(change.commit()?)
    }

    /// What was given up is closed: there is nothing to finish.
    fn no_more_given_up(&self, id: CallId) {
        let dropped = self.ledger.begin().and_then(|mut change| {
            change.no_more_given_up(id)?;
            change.commit()
        });
        if let Err(error) = dropped {
            // The next start finds that it is closed.
            tracing::warn!(intent = %id, error = &error as &dyn std::error::Error, "a record stays that is not needed");
        }
    }

    /// Closes what was given up in the store of a service that comes back, before it is found open.
    pub(super) async fn close_given_up(&self, service: &ServiceName, store: &Store) -> Result<(), DeployError> {
        for (id, _) in self.ledger.all_given_up()?.into_iter().filter(|(_, of)| of == service) {
            close_intent(store, id).await.map_err(IntentError::Commit)?;
            self.no_more_given_up(id);
        }
        Ok(())
    }

    /// Closes what the last run of the host gave up and did not close any more.
    async fn finish_giving_up(&self) {
        let given_up = self.ledger.all_given_up().unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "what was given up cannot be read");
            Vec::new()
        });
        for (id, service) in given_up {
            let closed = match self.calls.hold_intent(id) {
                Ok(held) => held.give_up().await,
                // In the store of a service that is not there it may still be open: until that comes back.
                Err(IntentError::Unknown) if self.calls.routing().live().backend(&service).is_some() => Ok(()),
                Err(error) => Err(error),
            };
            match closed {
                Ok(()) => self.no_more_given_up(id),
                Err(error) => tracing::warn!(intent = %id, %service, %error, "what was given up is not closed yet"),
            }
        }
    }
}
