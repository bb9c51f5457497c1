//! Snapshots that outlive their call: for running it again, later, on the state that it read.
//!
//! A snapshot holds up what would else be given free: the pages of the index that later commits replaced, and the
//! layers over it. So a store lets go of a snapshot when it has moved on from it by as much as the overlay may hold, or
//! when there are [`SNAPSHOTS_MAX`] newer ones.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::snapshot::Snapshot;
use crate::limits::SNAPSHOTS_MAX;
use crate::names::CommitSeq;

/// The state of one service as one call read it. Clones are the same snapshot.
#[derive(Clone)]
pub struct PinnedSnapshot {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    number: CommitSeq,
    /// Nothing when the store let go of it.
    state: Mutex<Option<Arc<Snapshot>>>,
}

impl fmt::Debug for PinnedSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedSnapshot").field("number", &self.held.number).finish_non_exhaustive()
    }
}

impl PinnedSnapshot {
    /// The state; nothing when the store has let go of it.
    pub(in crate::store) fn state(&self) -> Option<Arc<Snapshot>> {
        self.held.state().clone()
    }
}

impl Held {
    fn state(&self) -> MutexGuard<'_, Option<Arc<Snapshot>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pinned snapshots of one store, oldest first.
#[derive(Debug, Default)]
pub(in crate::store) struct Pins(Mutex<All>);

#[derive(Debug, Default)]
struct All {
    held: VecDeque<Weak<Held>>,
    /// The last checkpoints: the last commit in each, and the memory that it took.
    checkpoints: VecDeque<(CommitSeq, usize)>,
}

impl Pins {
    pub(in crate::store) fn pin(&self, snapshot: Arc<Snapshot>) -> PinnedSnapshot {
        let held = Arc::new(Held { number: snapshot.number, state: Mutex::new(Some(snapshot)) });
        let mut all = self.lock();
        if all.held.len() >= SNAPSHOTS_MAX {
            all.held.retain(|held| held.strong_count() > 0);
        }
        if all.held.len() >= SNAPSHOTS_MAX
            && let Some(oldest) = all.held.pop_front()
        {
            let_go(&oldest);
        }
        all.held.push_back(Arc::downgrade(&held));
        PinnedSnapshot { held }
    }

    /// An index has the commits up to `through` now, which took `bytes`. Lets go of what is older than the last
    /// checkpoints of about `bytes_max` together.
    pub(in crate::store) fn moved_on(&self, through: CommitSeq, bytes: usize, bytes_max: usize) {
        let mut all = self.lock();
        all.checkpoints.push_back((through, bytes));
        let mut kept: usize = all.checkpoints.iter().map(|(_, bytes)| bytes).sum();
        let mut horizon = CommitSeq::default();
        while all.checkpoints.len() > 1
            && kept > bytes_max
            && let Some((through, bytes)) = all.checkpoints.pop_front()
        {
            kept -= bytes;
            horizon = through;
        }
        drop(all);
        self.let_go_before(horizon);
    }

    /// Lets go of the snapshots of what was before `horizon`, and drops those that nobody has any more.
    pub(in crate::store) fn let_go_before(&self, horizon: CommitSeq) {
        self.lock().held.retain(|held| {
            let stays = held.upgrade().is_some_and(|held| held.number >= horizon);
            if !stays {
                let_go(held);
            }
            stays
        });
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn let_go(held: &Weak<Held>) {
    let state = held.upgrade().and_then(|held| held.state().take());
    drop(state);
}
