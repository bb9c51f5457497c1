//! Snapshots that outlive their call: for running it again, later, on the state that it read.
//!
//! A snapshot holds up what would else be given free: the pages of the index that later commits replaced, and the
//! layers over it. So a store lets go of a snapshot when it has moved on from it by as much as the overlay may hold, or
//! when there are [`SNAPSHOTS_MAX`] newer ones.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::overlay::View;
use super::transaction::Transaction;
use crate::limits::SNAPSHOTS_MAX;
use crate::names::CommitSeq;

/// The state of one service as one call read it. Clones are the same snapshot.
#[derive(Clone)]
pub struct Snapshot {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    number: CommitSeq,
    /// Nothing when the store let go of it.
    view: Mutex<Option<Arc<View>>>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("number", &self.held.number).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Begins a transaction on the snapshot that may write but is never committed; none when the store has let go of
    /// the snapshot.
    #[must_use]
    pub fn rehearse(&self) -> Option<Transaction> {
        self.held.view().as_ref().map(|view| Transaction::rehearsal(Arc::clone(view)))
    }
}

impl Held {
    fn view(&self) -> MutexGuard<'_, Option<Arc<View>>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The snapshots of one store, oldest first.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    held: Mutex<VecDeque<Weak<Held>>>,
}

impl Snapshots {
    pub(super) fn hold(&self, view: Arc<View>) -> Snapshot {
        let held = Arc::new(Held { number: view.number, view: Mutex::new(Some(view)) });
        let mut all = self.lock();
        if all.len() >= SNAPSHOTS_MAX {
            all.retain(|held| held.strong_count() > 0);
        }
        if all.len() >= SNAPSHOTS_MAX
            && let Some(oldest) = all.pop_front()
        {
            let_go(&oldest);
        }
        all.push_back(Arc::downgrade(&held));
        Snapshot { held }
    }

    /// Lets go of the snapshots of what was before `horizon`, and drops those that nobody has any more.
    pub(super) fn let_go_before(&self, horizon: CommitSeq) {
        let mut all = self.lock();
        all.retain(|held| {
            let young = held.upgrade().is_some_and(|held| held.number >= horizon);
            if !young {
                let_go(held);
            }
            young
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Weak<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn let_go(held: &Weak<Held>) {
    let view = held.upgrade().and_then(|held| held.view().take());
    drop(view);
}
