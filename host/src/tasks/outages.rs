//! The tasks and threads that are down: they failed, and have not yet run again for a while.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::observe::tasks::count_restart;

/// Restarted work counts as down until it has run for this long. Otherwise work that fails at once would seem to be up.
const STEADY_AFTER: Duration = Duration::from_secs(2);

/// Everything that is down now. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Outages(Arc<Mutex<List>>);

#[derive(Debug, Default)]
struct List {
    next: u64,
    outages: BTreeMap<u64, (Outage, Instant)>,
}

/// A task or a thread that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    pub name: Cow<'static, str>,
    /// The reason of its last failure.
    pub reason: String,
    /// The number of failures in a row.
    pub failures: u32,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason, failures } = self;
        write!(f, "the task `{name}` is down: {reason}; it failed {failures} times in a row and is restarted")
    }
}

impl Outages {
    /// Everything that is down now, in the order of the starts.
    #[must_use]
    pub fn now(&self) -> Vec<Outage> {
        let now = Instant::now();
        self.lock().outages.values().filter(|(_, until)| *until > now).map(|(outage, _)| outage.clone()).collect()
    }

    /// The entry of one task or thread.
    pub(super) fn entry(&self) -> Entry {
        let mut list = self.lock();
        list.next += 1;
        Entry { outages: self.clone(), id: list.next }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports one task or thread. On drop, the task has ended for good, and does not count as down any more.
#[derive(Debug)]
pub(super) struct Entry {
    outages: Outages,
    id: u64,
}

impl Entry {
    /// Records that the work failed, and is restarted after `wait`.
    pub(super) fn report(&self, outage: Outage, wait: Duration) {
        tracing::warn!(task = %outage.name, failures = outage.failures, wait_ms = wait.as_millis(), "a task is restarted");
        count_restart(&outage.name);
        let until = Instant::now() + wait + STEADY_AFTER;
        self.outages.lock().outages.insert(self.id, (outage, until));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.outages.lock().outages.remove(&self.id);
    }
}
