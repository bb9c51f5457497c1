//! Calls that were begun and have not ended: going on with them, abandoning them, and changes that wait for them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::error::DeployError;
use super::super::records::record::{ChangeKind, NewEntry};
use super::super::records::token::Holder;
use super::super::releases::Releases;
use super::change_set::ChangeSet;
use crate::call::{IntentError, IntentView};
use crate::clock;
use crate::names::{CallId, ServiceName};

impl Releases {
    /// Goes on with calls that were begun, until the tasks of the host are stopped.
    pub async fn recover(self) {
        self.inner.calls.clone().recover(Arc::new(self.clone())).await;
    }

    /// Abandons an intent, for a reason that stands in the history: its call is not made again, and its effects elsewhere
    /// stay as they are. The line and the end of the intent are one commit. Gives the intent as it was.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the intent is still open.
    pub async fn give_up(&self, who: &Holder, id: CallId, reason: String) -> Result<IntentView, DeployError> {
        let who = who.name.clone();
        self.change(move |inner, state| {
            let intent = inner.calls.intent(id).ok_or(IntentError::Unknown)?;
            let held = inner.calls.hold_intent(id)?;
            let mut set = ChangeSet::note(state, vec![abandoned(&who, &intent, reason)]);
            set.closed = Some(held);
            Ok((set, intent))
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

fn abandoned(who: &str, intent: &IntentView, reason: String) -> NewEntry {
    let IntentView { id, service, function, begun_at, attempts, last_error, .. } = intent;
    let failed = last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let text = format!("{function}, begun {begun_at}, after {attempts} more attempts{failed}");
    let figures = json!({
        "intent": id, "function": function, "begunAt": begun_at, "attempts": attempts, "lastError": last_error,
        "text": text,
    });
    let (reason, figures) = (Some(reason), Some(figures));
    NewEntry { reason, figures, ..NewEntry::new(who, service, ChangeKind::GiveUp) }
}
