//! Single entries of a service's store: an operator looks at them, and repairs them by hand.
//!
//! Invariant: only entries of the live data of a component can be reached. The rows of system tables, and the data of a
//! mirror, have keys of other spaces, which no text here can name.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::changes::change_set::ChangeSet;
use super::error::DeployError;
use super::records::record::{ChangeKind, NewEntry};
use super::records::state::State;
use super::records::token::Holder;
use super::releases::Releases;
use crate::limits::STATE_CONFLICTS_MAX;
use crate::names::{Digest, ServiceName, hex};
use crate::store::{CommitError, Direction, Entry, Scan, StoreError, Transaction};
use crate::tasks::blocking;

/// An entry with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryView {
    pub key: String,
    #[serde(flatten)]
    pub size: EntrySize,
    #[serde(flatten)]
    pub value: EntryValue,
}

/// How long a value is, and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntrySize {
    pub bytes: usize,
    pub digest: Digest,
}

/// A value as a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EntryValue {
    /// It is UTF-8.
    Text(String),
    /// Any other value, in hexadecimal.
    Hex(String),
}

/// Entries in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryPage {
    pub items: Vec<EntryView>,
    /// The key after which the next page begins; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
}

/// A change of one entry by hand.
#[derive(Debug, Clone)]
pub struct EntryEdit {
    pub key: String,
    /// The new value; `None` deletes the entry.
    pub value: Option<Bytes>,
    /// What the entry must be; otherwise nothing is changed.
    pub expected: Option<Expected>,
    pub reason: Option<String>,
}

/// What an entry must be before a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is none.
    Nothing,
    /// Its value has this digest.
    Value(Digest),
}

/// A change of one entry that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryEdited {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<EntrySize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<EntrySize>,
}

/// Why entries were not read, or an entry was not changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    #[error(transparent)]
    Release(#[from] DeployError),
    #[error("there is no entry {key:?} in {service}")]
    NoEntry { service: ServiceName, key: String },
    #[error(
        "the entry {key:?} of {service} is not as expected: {}",
        found.map_or_else(|| "there is none".into(), |digest| format!("its value has the digest {digest}"))
    )]
    NotAsExpected { service: ServiceName, key: String, found: Option<Digest> },
    /// The other implementation gets only what the state interface exports.
    #[error(
        "a handover of {service} runs, and a change of an entry might not reach the new implementation: wait for its \
         end, or give it up with `switchyard settle {service}`"
    )]
    Moving { service: ServiceName },
    #[error("the entry of {service} cannot be changed")]
    Commit { service: ServiceName, source: CommitError },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("calls changed the same entry each time: try again")]
    Busy,
}

impl Releases {
    /// The entry of `service` under `key`, as it is now.
    ///
    /// # Errors
    ///
    /// [`EntryError`], also when there is no such entry.
    pub async fn entry(&self, service: &ServiceName, key: &str) -> Result<EntryView, EntryError> {
        let wanted = key.to_owned();
        let found = self.read_entries(service, move |mut transaction| transaction.get(&wanted)).await?;
        let none = || EntryError::NoEntry { service: service.clone(), key: key.into() };
        found.map(|value| view(key.into(), &value)).ok_or_else(none)
    }

    /// At most `limit` entries of `service` whose keys begin with `prefix`, after the key `after`.
    ///
    /// # Errors
    ///
    /// [`EntryError`], also for a limit out of bounds, and for an `after` without the prefix.
    pub async fn entries(
        &self,
        service: &ServiceName,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<EntryPage, EntryError> {
        let read = move |mut transaction: Transaction| {
            let (after, direction) = (after.as_deref(), Direction::Ascending);
            transaction.scan(&Scan { prefix: &prefix, after, direction, limit })
        };
        let page = self.read_entries(service, read).await?;
        let next_after = page.entries.last().map(|last| last.key.clone()).filter(|_| page.more);
        let items = page.entries.into_iter().map(|Entry { key, value }| view(key, &value)).collect();
        Ok(EntryPage { items, next_after })
    }

    /// Reads the live data of `service`, on a thread that may block.
    async fn read_entries<T: Send + 'static>(
        &self,
        service: &ServiceName,
        read: impl FnOnce(Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, EntryError> {
        let state = self.state();
        let running = state.running(service)?;
        let transaction = running.service.store().begin_read().in_generation(running.record.generation);
        Ok(blocking(move || read(transaction)).await.map_err(DeployError::from)??)
    }

    /// Changes an entry of `service`, in one commit with a line of the history.
    ///
    /// # Errors
    ///
    /// [`EntryError`]; the entry is as it was.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it continues in the background.
    pub async fn edit_entry(
        &self,
        who: &Holder,
        service: &ServiceName,
        edit: EntryEdit,
    ) -> Result<EntryEdited, EntryError> {
        let (inner, who, service) = (Arc::clone(&self.inner), who.name.clone(), service.clone());
        self.to_the_end(async move {
            for _ in 0..STATE_CONFLICTS_MAX {
                let _changing = inner.changing.lock().await;
                let (set, edited) = match plan_edit(&inner.state.load_full(), &who, &service, &edit) {
                    Ok(plan) => plan,
                    Err(refused) => return Ok(Err(refused)),
                };
                match inner.run(set).await {
                    Ok(()) => return Ok(Ok(edited)),
                    // A call has changed the entry since it was read.
                    Err(DeployError::Commit(CommitError::Conflict { .. })) => {}
                    Err(DeployError::Commit(source)) => return Ok(Err(EntryError::Commit { service, source })),
                    Err(error) => return Err(error),
                }
            }
            Ok(Err(EntryError::Busy))
        })
        .await?
    }
}

/// The change set of `edit`, and what it does.
fn plan_edit(
    state: &Arc<State>,
    who: &str,
    service: &ServiceName,
    edit: &EntryEdit,
) -> Result<(ChangeSet, EntryEdited), EntryError> {
    let EntryEdit { key, value, expected, reason } = edit;
    let running = state.running(service)?;
    if running.record.mirror.as_ref().is_some_and(|mirror| !mirror.was_live) {
        return Err(EntryError::Moving { service: service.clone() });
    }
    let mut transaction = running.service.store().begin().in_generation(running.record.generation);
    let before = transaction.get(key)?.as_ref().map(size);
    let found = before.as_ref().map(|before| before.digest);
    let is_expected = match expected {
        None => true,
        Some(Expected::Nothing) => found.is_none(),
        Some(Expected::Value(digest)) => found == Some(*digest),
    };
    if !is_expected {
        return Err(EntryError::NotAsExpected { service: service.clone(), key: key.clone(), found });
    }
    let what = match value {
        Some(value) => {
            transaction.set(key, value.clone())?;
            ChangeKind::SetEntry
        }
        None if before.is_none() => return Err(EntryError::NoEntry { service: service.clone(), key: key.clone() }),
        None => {
            transaction.delete(key)?;
            ChangeKind::DeleteEntry
        }
    };
    // The value may be a secret, so the history has only the key.
    let entry = format!("the entry {key:?}");
    let reason = reason.as_ref().map_or(entry.clone(), |reason| format!("{entry}: {reason}"));
    let line = NewEntry { reason: Some(reason), ..NewEntry::new(who, service, what) };
    let mut set = ChangeSet::note(state, vec![line]);
    set.edited = Some(transaction);
    Ok((set, EntryEdited { key: key.clone(), before, after: value.as_ref().map(size) }))
}

fn view(key: String, value: &Bytes) -> EntryView {
    let size = size(value);
    let value = match std::str::from_utf8(value) {
        Ok(text) => EntryValue::Text(text.into()),
        Err(_) => EntryValue::Hex(hex(value)),
    };
    EntryView { key, size, value }
}

fn size(value: &Bytes) -> EntrySize {
    EntrySize { bytes: value.len(), digest: Digest::of(value) }
}
