//! Which stores are being written into their indexes, and when to look for the next one.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::names::ServiceName;

#[derive(Debug, Default)]
pub(in crate::store) struct Due {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    busy: BTreeSet<ServiceName>,
    /// Counts events that may be a reason to look again.
    changes: u64,
    closing: bool,
    failed: bool,
}

/// The state that a worker saw when it looked for work.
#[derive(Debug)]
pub(in crate::store) struct Look {
    changes: u64,
    pub(in crate::store) closing: bool,
    pub(in crate::store) failed: bool,
}

/// One store, claimed by one worker. After a drop, others may claim it.
#[derive(Debug)]
pub(in crate::store) struct Claim<'a> {
    due: &'a Due,
    service: ServiceName,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.due.lock().busy.remove(&self.service);
        self.due.look_again();
    }
}

#[derive(Debug)]
pub(in crate::store) struct Failure<'a>(Option<&'a Due>);

impl Failure<'_> {
    pub(in crate::store) fn defuse(mut self) {
        self.0 = None;
    }
}

impl Drop for Failure<'_> {
    fn drop(&mut self) {
        if let Some(due) = self.0 {
            due.lock().failed = true;
            due.look_again();
        }
    }
}

impl Due {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the workers: there may be work.
    pub(in crate::store) fn look_again(&self) {
        self.lock().changes += 1;
        self.changed.notify_all();
    }

    /// Guards the write of an index. If it is dropped before it is defused, no index is written any more.
    pub(in crate::store) fn failure(&self) -> Failure<'_> {
        Failure(Some(self))
    }

    /// Ends the workers after one last write of everything.
    pub(in crate::store) fn close(&self) {
        self.lock().closing = true;
        self.look_again();
    }

    pub(in crate::store) fn look(&self) -> Look {
        let State { changes, closing, failed, .. } = *self.lock();
        Look { changes, closing, failed }
    }

    pub(in crate::store) fn is_claimed(&self, service: &ServiceName) -> bool {
        self.lock().busy.contains(service)
    }

    /// Claims a store, unless another worker has it.
    pub(in crate::store) fn claim(&self, service: &ServiceName) -> Option<Claim<'_>> {
        let is_free = self.lock().busy.insert(service.clone());
        is_free.then(|| Claim { due: self, service: service.clone() })
    }

    /// Waits until there may be work that `look` did not see, for at most `longest` if given.
    pub(in crate::store) fn wait(&self, look: &Look, longest: Option<Duration>) {
        let state = self.lock();
        let known = |state: &mut State| state.changes == look.changes;
        match longest {
            None => drop(self.changed.wait_while(state, known).unwrap_or_else(PoisonError::into_inner)),
            Some(longest) => {
                let waited = self.changed.wait_timeout_while(state, longest, known);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}
