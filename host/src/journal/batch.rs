//! Which records are written together: those that came while the previous batch was written, and those that come in the
//! next moment while many calls wait.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::shared::{Queued, Shared, State};

/// If at least this many calls waited for the last batch, the next batch gathers. With fewer clients, gathering would
/// only add delay.
const GATHER_WAITING: usize = 4;

/// A gathering batch is written when nothing was added for this long: all clients then already wait.
const GATHER_STEP: Duration = Duration::from_micros(100);

/// The maximum of gathering steps. A sync costs as much CPU as several calls, so under load one sync in this time is
/// right, however fast the disk is.
const GATHER_STEPS_MAX: usize = 10;

/// Decides whether a batch gathers.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    /// The number of calls that waited for the previous batch.
    waited: usize,
}

impl Gathering {
    /// Lets the batch grow while commits arrive, up to a bound, if many calls wait.
    pub(super) fn gather<'a>(&mut self, shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        if self.waited.max(state.waiting) >= GATHER_WAITING {
            state = grow(shared, state);
        }
        self.waited = std::mem::take(&mut state.waiting);
        state
    }
}

fn grow<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    for _ in 0..GATHER_STEPS_MAX {
        let queued = state.queue.len();
        if state.closing || shared.is_full(&state) {
            break;
        }
        // Only the end of the journal wakes it earlier.
        state = shared.work.wait_timeout(state, GATHER_STEP).unwrap_or_else(PoisonError::into_inner).0;
        if state.queue.len() == queued {
            break;
        }
    }
    state
}

impl State {
    /// Takes the oldest records out of the queue: at least one, at most `count_max`, and none after the one that brings
    /// them to `bytes_max`.
    pub(super) fn take_batch(&mut self, count_max: usize, bytes_max: usize) -> Vec<Queued> {
        let mut bytes = 0;
        let count = self.queue.iter().take(count_max.max(1)).take_while(|queued| {
            let fits = bytes < bytes_max;
            bytes += queued.body.bytes();
            fits
        });
        let count = count.count();
        self.queue.drain(..count).collect()
    }
}
