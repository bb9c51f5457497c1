//! When a schedule is due, and the stored state of its last run.
//!
//! Invariant: slots only grow, whatever the clock does. So no slot runs twice, and no run finds the memos of another.
//!
//! Periods are counted from the Unix epoch: `every 1h` is at every full hour in UTC, whenever the host started.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::{Function, track};
use crate::names::{CommitSeq, Digest};
use crate::store::system::{RowWrite, SCHEDULE_SLOTS};
use crate::store::{Store, StoreError};

/// The last run of a schedule, in the store of its service. A successful run writes it in its own commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastRun {
    /// The slot of the run: when it was due, in microseconds since the Unix epoch.
    pub(super) due_at: u64,
    /// When it began; `None` for a schedule that has not run yet.
    pub(super) began_at: Option<u64>,
    /// Why it failed, if it did, and the number of failures in a row.
    pub(super) error: Option<String>,
    pub(super) failures: u64,
}

/// The key of the last run of `function`: the same for all compatible versions of its interface.
fn key(function: &Function) -> Digest {
    Digest::of(name(function).as_bytes())
}

/// The name of a schedule within its service.
pub(super) fn name(function: &Function) -> String {
    format!("{}#{}", track(&function.interface), function.name.wit)
}

impl LastRun {
    /// The state of a schedule that is new in the slot `due_at`, and due in the next slot.
    pub(super) fn none(due_at: u64) -> Self {
        Self { due_at, began_at: None, error: None, failures: 0 }
    }

    /// The last run, and the commit that the store must have for it.
    pub(super) fn read(store: &Store, function: &Function) -> Result<Option<(Self, CommitSeq)>, StoreError> {
        let (key, mut transaction) = (key(function), store.begin_read());
        let Some(bytes) = transaction.get_row(&SCHEDULE_SLOTS, &key)? else { return Ok(None) };
        let last = serde_json::from_slice(&bytes).map_err(|_| StoreError::Row { key: name(function) })?;
        Ok(Some((last, transaction.saw())))
    }

    pub(super) fn row(&self, function: &Function) -> RowWrite {
        SCHEDULE_SLOTS.put(&key(function), serde_json::to_vec(self).expect("texts and numbers have a form in JSON"))
    }

    /// The slot of the next run. After several missed slots, the last one of them.
    pub(super) fn next(&self, period: Duration, now: u64) -> u64 {
        slot(period, now).max(slot(period, self.due_at).saturating_add(micros(period)))
    }
}

/// The start of the slot that contains `now`.
pub(super) fn slot(period: Duration, now: u64) -> u64 {
    now - now % micros(period)
}

fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX).max(1)
}
