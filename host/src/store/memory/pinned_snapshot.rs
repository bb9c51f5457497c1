//! Snapshots that outlive their call, so that the call can run again later on the state that it read.
//!
//! A snapshot keeps memory and disk space from being freed: the pages of the index that later commits replaced, and the
//! layers over it. So a store releases a snapshot when the commits after it exceed the bound of the overlay, or when
//! there are [`SNAPSHOTS_MAX`] newer ones.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::snapshot::Snapshot;
use crate::limits::SNAPSHOTS_MAX;
use crate::names::{CommitSeq, Generation};

/// The state of one service that one call read. Clones are the same snapshot.
#[derive(Clone)]
pub struct PinnedSnapshot {
    held: Arc<Held>,
    /// The data that the call read.
    generation: Generation,
}

#[derive(Debug)]
struct Held {
    number: CommitSeq,
    /// `None` when the store has released it.
    state: Mutex<Option<Arc<Snapshot>>>,
}

impl fmt::Debug for PinnedSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinnedSnapshot").field("number", &self.held.number).finish_non_exhaustive()
    }
}

impl PinnedSnapshot {
    /// The state; `None` when the store has released it.
    pub(in crate::store) fn state(&self) -> Option<Arc<Snapshot>> {
        self.held.state().clone()
    }

    pub(in crate::store) fn generation(&self) -> Generation {
        self.generation
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
    /// The last checkpoints: the last commit in each, and its memory.
    checkpoints: VecDeque<(CommitSeq, usize)>,
}

impl Pins {
    pub(in crate::store) fn pin(&self, snapshot: Arc<Snapshot>, generation: Generation) -> PinnedSnapshot {
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
        PinnedSnapshot { held, generation }
    }

    /// Records a checkpoint: the index now has the commits up to `through`, which took `bytes`. Releases snapshots
    /// older than the last checkpoints of together about `bytes_max`.
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

    /// Releases the snapshots from before `horizon`, and removes those that have no other reference.
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
