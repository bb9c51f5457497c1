//! When a schedule is due, and what is kept of its last run.
//!
//! Periods are counted from the Unix epoch: `every 1h` is at every full hour in UTC, whenever the host started.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::{Function, track};
use crate::names::Digest;
use crate::store::system::{RowWrite, SCHEDULE_SLOTS};
use crate::store::{Store, StoreError};

/// The last run of a schedule, in the store of its service: written in the commit of the run, where that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastRun {
    /// When it was due, in microseconds since the Unix epoch.
    pub(super) due_at: u64,
    /// When it began; nothing for a schedule that has not run yet.
    pub(super) began_at: Option<u64>,
    /// Why it failed, if it did, and how many did so in a row.
    pub(super) error: Option<String>,
    pub(super) failures: u64,
}

/// The key of the last run of `function`: the same for all versions of its interface that stand for each other.
fn key(function: &Function) -> Digest {
    Digest::of(name(function).as_bytes())
}

/// The name of a schedule within its service.
pub(super) fn name(function: &Function) -> String {
    format!("{}#{}", track(&function.interface), function.name.wit)
}

impl LastRun {
    /// That of a schedule which is seen for the first time, and is next due at the end of the period from `due_at`.
    pub(super) fn none(due_at: u64) -> Self {
        Self { due_at, began_at: None, error: None, failures: 0 }
    }

    pub(super) fn read(store: &Store, function: &Function) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = store.get_row(&SCHEDULE_SLOTS, &key(function))? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| StoreError::Row { key: name(function) })
    }

    pub(super) fn entry(&self, function: &Function) -> RowWrite {
        SCHEDULE_SLOTS.put(&key(function), serde_json::to_vec(self).expect("texts and numbers have a form in JSON"))
    }

    /// When the next run is due: at the first end of a period after the last one. Of several that were missed it is the
    /// last one.
    pub(super) fn next(&self, period: Duration, now: u64) -> u64 {
        let current = begins(period, now);
        // Where the clock was set back by more than a period, what was is no guide any more.
        let is_missed = self.due_at < current || self.due_at > current.saturating_add(micros(period));
        if is_missed { current } else { begins(period, self.due_at).saturating_add(micros(period)) }
    }
}

/// When the period began in which `now` is.
pub(super) fn begins(period: Duration, now: u64) -> u64 {
    now - now % micros(period)
}

fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_due_at_the_end_of_its_period_and_once_where_some_were_missed() {
        let period = Duration::from_micros(10);
        for (last, now, next) in [
            (20, 20, 30),
            (20, 29, 30),
            (20, 30, 30),
            (20, 31, 30),
            // Three were missed: the last one is made up.
            (20, 57, 50),
            (50, 57, 60),
            // The period was another one before.
            (24, 25, 30),
            (24, 30, 30),
            // The clock was set back: by less than a period nothing is run again.
            (30, 29, 40),
            (90, 25, 20),
        ] {
            assert_eq!(LastRun::none(last).next(period, now), next, "{last} {now}");
        }
    }

    #[test]
    fn whoever_runs_what_is_due_runs_no_slot_twice_and_none_early() {
        let (period, mut last) = (Duration::from_micros(10), LastRun::none(0));
        let mut runs = Vec::new();
        for now in [3, 9, 10, 11, 19, 20, 44, 45, 50, 99, 100] {
            let next = last.next(period, now);
            if next <= now {
                runs.push(next);
                last = LastRun::none(next);
            }
        }
        assert_eq!(runs, [10, 20, 40, 50, 90, 100]);
    }
}
