//! Unfinished calls with an intent: continuing them, abandoning them, and changes that wait for them.

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
    /// Continues unfinished calls until the tasks of the host are stopped.
    pub async fn recover(self) {
        self.inner.calls.clone().recover(Arc::new(self.clone())).await;
    }

    /// Abandons an intent, with a reason for the history: its call does not run again, and its effects elsewhere stay.
    /// The line of the history and the end of the intent are one commit. Returns the intent in its last state.
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

    /// Waits until no unfinished call can reach `service`, at most for `wait`.
    ///
    /// # Errors
    ///
    /// [`DeployError::IntentsOpen`], or [`DeployError::Stops`] when the host stops.
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
