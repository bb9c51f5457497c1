//! Admission: how many calls to one service may run, and how many may wait, and for how long.
//!
//! Invariant: a call holds one permit from before its instance is made until its transaction is committed or gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::LimitSettings;
use crate::observe::calls::ServiceCalls;

/// The slots of one service.
#[derive(Debug)]
pub(super) struct Admission {
    slots: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
}

/// Why a call was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// As many as may wait do.
    Full,
    /// It waited as long as it may.
    Waited,
}

impl Refused {
    pub(super) fn why(self) -> &'static str {
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
    pub(super) fn new(limits: &LimitSettings) -> Self {
        Self {
            slots: Semaphore::new(limits.calls_in_flight_max),
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
    pub(super) async fn enter(
        &self,
        deadline: Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<SemaphorePermit<'_>, Refused> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::Full);
        }
        let (_waiting, _counted) = (Waiting(&self.waiting), calls.wait());
        let until = deadline.min(crate::clock::now() + self.wait_max);
        let permit = tokio::time::timeout_at(until.into(), self.slots.acquire());
        match permit.await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_elapsed) => Err(Refused::Waited),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::ServiceName;

    fn admission(slots: usize, waiting: usize) -> (Admission, Arc<ServiceCalls>) {
        let admission = Admission {
            slots: Semaphore::new(slots),
            waiting: AtomicUsize::new(0),
            waiting_max: waiting,
            wait_max: Duration::from_secs(1),
        };
        (admission, ServiceCalls::new(&ServiceName::parse("tested").expect("a name")))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_too_many_waits_its_time_and_is_refused() {
        let (admission, calls) = admission(1, 1);
        let deadline = crate::clock::now() + Duration::from_secs(5);
        let first = admission.enter(deadline, &calls).await.expect("there is a slot");
        let (second, third) = tokio::join!(admission.enter(deadline, &calls), admission.enter(deadline, &calls));
        assert_eq!(second.err(), Some(Refused::Waited));
        assert_eq!(third.err(), Some(Refused::Full));
        drop(first);
        assert!(admission.enter(deadline, &calls).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_gave_up_waiting_leaves_its_place() {
        let (admission, calls) = admission(1, 1);
        let deadline = crate::clock::now() + Duration::from_secs(5);
        let _first = admission.enter(deadline, &calls).await.expect("there is a slot");
        for _ in 0..3 {
            assert_eq!(admission.enter(deadline, &calls).await.err(), Some(Refused::Waited));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_past_the_deadline_of_the_call() {
        let (admission, calls) = admission(0, 1);
        let begin = tokio::time::Instant::now();
        let deadline = (begin + Duration::from_millis(10)).into_std();
        assert_eq!(admission.enter(deadline, &calls).await.err(), Some(Refused::Waited));
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
