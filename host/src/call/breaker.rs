//! The circuit breaker of a release: after failures in a row it lets no call through for a while, then one to see.
//!
//! Invariant: while the circuit is open at most one call at a time is let through, and only once its pause is over.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::clock;
use crate::config::LimitSettings;

#[derive(Debug)]
pub(super) struct Breaker {
    failures_max: u32,
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed {
        failures: u32,
    },
    /// Nobody is let through until then; whoever comes first after it tries, and moves it on by one more pause.
    Open {
        until: Instant,
    },
}

impl Breaker {
    pub(super) fn new(limits: &LimitSettings) -> Self {
        Self {
            failures_max: limits.circuit_failures,
            pause: Duration::from_millis(limits.circuit_open_ms),
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Whether a call may try now.
    pub(super) fn lets_through(&self) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Closed { .. } => true,
            State::Open { until } => {
                let now = clock::now();
                let tries = now >= *until;
                if tries {
                    *until = now + self.pause;
                }
                tries
            }
        }
    }

    /// A call came to its end by itself, whatever it answered.
    pub(super) fn succeeded(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// A call trapped or ran out of time. Says whether this opened the circuit.
    pub(super) fn failed(&self) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Closed { failures } => {
                *failures += 1;
                let opens = *failures >= self.failures_max;
                if opens {
                    *state = State::Open { until: clock::now() + self.pause };
                }
                opens
            }
            State::Open { .. } => false,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(*self.lock(), State::Open { .. })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(pause: Duration) -> Breaker {
        Breaker { failures_max: 3, pause, state: Mutex::new(State::Closed { failures: 0 }) }
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
        *breaker.lock() = State::Open { until: clock::now() };
        assert!(breaker.lets_through());
        assert!(!breaker.lets_through(), "one at a time");
        breaker.succeeded();
        assert!(breaker.lets_through() && !breaker.is_open());
    }
}
