//! A candidate in shadow: which calls it repeats, and the results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::release::Backend;
use super::share::Share;
use crate::names::ServiceName;
use crate::observe::ShadowReport;
use crate::tasks::Tasks;

/// A candidate in shadow.
#[derive(Debug)]
pub struct Shadow {
    pub(in crate::call) backend: Backend,
    share: Share,
    runs: Arc<Semaphore>,
    /// Whether the candidate stores its data under the keys of the live release, and in its format.
    pub(in crate::call) same_format: bool,
    report: Mutex<ShadowReport>,
    pub(in crate::call) tasks: Tasks,
}

impl Shadow {
    /// `backend` is the candidate. It repeats `share` of the calls, at most `runs_max` at once, in `tasks`. Entries that
    /// it writes are compared only if it has the `same_format` as the live release, and no data of its own.
    #[must_use]
    pub fn new(backend: Backend, share: Share, runs_max: usize, same_format: bool, tasks: Tasks) -> Arc<Self> {
        let runs = Arc::new(Semaphore::new(runs_max));
        let report = Mutex::new(ShadowReport::default());
        Arc::new(Self { backend, share, runs, same_format, report, tasks })
    }

    #[must_use]
    pub fn share(&self) -> Share {
        self.share
    }

    /// The result of all comparisons so far.
    #[must_use]
    pub fn report(&self) -> ShadowReport {
        self.lock().clone()
    }

    pub(in crate::call) fn service(&self) -> &ServiceName {
        self.backend.service.name()
    }

    pub(in crate::call) fn lock(&self) -> MutexGuard<'_, ShadowReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to repeat the call with this seed; `None` for a call outside of the share, or without room.
    pub(in crate::call) fn admit(&self, seed: &[u8; 32]) -> Option<OwnedSemaphorePermit> {
        if !self.share.takes(self.service(), &self.backend.release.digest, seed) {
            return None;
        }
        // Waiting live calls need the CPU more.
        let is_crowded = self.backend.service.calls.waiting() > 0;
        let permit = Arc::clone(&self.runs).try_acquire_owned().ok().filter(|_| !is_crowded);
        if permit.is_none() {
            self.lock().dropped += 1;
        }
        permit
    }
}
