//! Admission: how many calls to one service may run, how many may wait, and for how long.
//!
//! Invariant: a call holds one slot from before its instance is made until its transaction is committed or dropped; a
//! mounted component holds it until its guest has ended and the last byte of its response is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::LimitSettings;
use crate::observe::calls::ServiceCalls;

/// The slots of one service.
#[derive(Debug)]
pub(in crate::call) struct Admission {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
}

/// Why a call was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) enum Refused {
    /// As many as may wait do.
    Full,
    /// It waited as long as it may.
    Waited,
}

impl Refused {
    pub(in crate::call) fn why(self) -> &'static str {
        match self {
            Self::Full => "as many calls as may wait for it do",
            Self::Waited => "its calls in flight leave no room",
        }
    }
}

/// Counts one who waits, for as long as it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(in crate::call) fn new(limits: &LimitSettings) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(limits.calls_in_flight_max)),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.calls_waiting_max,
            wait_max: Duration::from_millis(limits.wait_ms_max),
        }
    }

    /// Waits for a slot, first come first served, until `deadline` at the latest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(in crate::call) async fn enter(
        &self,
        deadline: Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::Full);
        }
        let (_waiting, _counted) = (Waiting(&self.waiting), calls.wait());
        let until = deadline.min(crate::clock::now() + self.wait_max);
        let permit = tokio::time::timeout_at(until.into(), Arc::clone(&self.slots).acquire_owned());
        match permit.await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_elapsed) => Err(Refused::Waited),
        }
    }
}

#[cfg(test)]
mod tests;
