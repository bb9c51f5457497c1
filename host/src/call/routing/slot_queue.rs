//! Slots, and the calls that wait for one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::observe::calls::ServiceCalls;

/// Slots, and the calls that wait for one of them, first come, first served.
#[derive(Debug)]
pub(in crate::call::routing) struct Queue {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Why a call was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) enum Refused {
    /// The queue is full.
    Full,
    /// It waited for the maximum time.
    Waited,
    /// The client of a mounted service has all the slots that one client may have.
    Client,
    /// It waited for the maximum time for an instance: all instances of the host are in use, except for the reserves of
    /// other services.
    NoInstance,
}

/// Counts a call that waits, until this is dropped.
pub(in crate::call::routing) struct Waiting<'a>(pub(in crate::call::routing) &'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(in crate::call::routing) fn new(slots: usize, waiting_max: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), waiting: AtomicUsize::new(0), waiting_max }
    }

    pub(in crate::call::routing) async fn enter(
        &self,
        until: impl FnOnce() -> Instant,
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
        let permit = tokio::time::timeout_at(until().into(), Arc::clone(&self.slots).acquire_owned());
        match permit.await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_elapsed) => Err(Refused::Waited),
        }
    }
}
