//! The circuit breaker of a release: after failures in a row it lets no call through for a while, then one to see.
//!
//! Invariant: while the circuit is open, one call is let through in each pause at most. What became of it may never be
//! told: the next pause has its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::LimitSettings;

#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    pause: Duration,
    /// Failures in a row; the circuit is open from `failures_max` on.
    failures: AtomicU32,
    /// When an open circuit lets the next call through. Looked at only while it is open.
    next_try: Mutex<Option<Instant>>,
}

impl Breaker {
    pub(super) fn new(limits: &LimitSettings) -> Self {
        Self {
            failures_max: limits.circuit_failures,
            pause: Duration::from_millis(limits.circuit_open_ms),
            failures: AtomicU32::new(0),
            next_try: Mutex::default(),
        }
    }

    /// Whether a call may try now.
    pub(super) fn lets_through(&self) -> bool {
        if !self.is_open() {
            return true;
        }
        let now = clock::now();
        let mut next_try = self.next_try.lock().unwrap_or_else(PoisonError::into_inner);
        // None: whoever opened the circuit has not come so far yet.
        let tries = next_try.is_some_and(|next_try| next_try <= now);
        if tries {
            *next_try = Some(now + self.pause);
        }
        tries
    }

    /// A call came to its end by itself, whatever it answered.
    pub(super) fn succeeded(&self) {
        // Most calls come after a success: they leave the cache line to the others.
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A call trapped or ran out of time. Says whether this opened the circuit.
    pub(super) fn failed(&self) -> bool {
        let more = |failures: u32| (failures < self.failures_max).then_some(failures + 1);
        let counted = self.failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let opens = counted.is_ok_and(|before| before + 1 == self.failures_max);
        if opens {
            let next_try = clock::now() + self.pause;
            *self.next_try.lock().unwrap_or_else(PoisonError::into_inner) = Some(next_try);
        }
        opens
    }

    pub(super) fn is_open(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= self.failures_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(pause: Duration) -> Breaker {
        Breaker { failures_max: 3, pause, failures: AtomicU32::new(0), next_try: Mutex::default() }
    }

    #[test]
    fn only_failures_in_a_row_open_the_circuit() {
        let breaker = breaker(Duration::from_secs(3600));
        assert!(!breaker.failed() && !breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed() && !breaker.failed());
        assert!(breaker.lets_through());
        assert!(breaker.failed());
        assert!(!breaker.lets_through() && breaker.is_open());
    }

    #[test]
    fn after_the_pause_one_call_tries_and_its_success_closes_the_circuit() {
        let breaker = breaker(Duration::from_secs(3600));
        for _ in 0..3 {
            breaker.failed();
        }
        let pause_is_over = || *breaker.next_try.lock().expect("nobody panicked") = Some(clock::now());
        pause_is_over();
        assert!(breaker.lets_through());
        assert!(!breaker.lets_through(), "one in a pause");
        assert!(!breaker.failed() && !breaker.lets_through(), "it has been open");
        pause_is_over();
        assert!(breaker.lets_through());
        breaker.succeeded();
        assert!(breaker.lets_through() && !breaker.is_open());
    }

    #[test]
    fn a_try_that_tells_nothing_is_followed_by_one_in_the_next_pause() {
        let breaker = breaker(Duration::ZERO);
        for _ in 0..3 {
            breaker.failed();
        }
        for _ in 0..3 {
            assert!(breaker.lets_through() && breaker.is_open());
        }
    }
}
