//! The circuit breaker of a release: after many failures it rejects calls for a pause, then lets one call through to try.
//!
//! It opens when at least half of the calls since the oldest recorded failure failed, and the failures come from
//! several clients. It records a limited number of failures per client, so that no client opens it alone.
//!
//! Invariant: while the circuit is open, at most one call per pause is let through. The result of that call may never
//! be known, so every pause lets a new call through.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::clock;
use crate::config::LimitSettings;
use crate::limits::CIRCUIT_WINDOW_MAX;
use crate::names::Identity;

/// A client, by a hash of its account or its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::call) struct Client(pub(in crate::call) u64);

#[derive(Debug)]
pub(in crate::call) struct Circuit {
    /// The number of failures that opens the circuit, and how many of them may come from one client.
    failures_max: usize,
    failures_per_client_max: usize,
    pause: Duration,
    /// Calls that ended without a failure of the release.
    successes: AtomicU64,
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first, at most `failures_max`.
    failures: VecDeque<Failed>,
    /// The total of all failures.
    total: u64,
    /// When an open circuit lets the next call through.
    next_try: Option<Instant>,
}

/// A failure, with the totals right before it.
#[derive(Debug)]
struct Failed {
    at: Instant,
    client: Client,
    successes: u64,
    failures: u64,
}

impl Client {
    pub(in crate::call) fn of(identity: Option<&Identity>, address: &[u8]) -> Self {
        let hash = match identity {
            Some(identity) => Sha256::new().chain_update(b"account").chain_update(identity.id.as_bytes()),
            None => Sha256::new().chain_update(b"address").chain_update(address),
        };
        Self(hash.finalize().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
    }
}

impl Circuit {
    pub(in crate::call) fn new(limits: &LimitSettings) -> Self {
        let failures_max = usize::try_from(limits.circuit_failures).unwrap_or(usize::MAX).max(1);
        let clients = usize::try_from(limits.circuit_clients).unwrap_or(usize::MAX).max(1);
        Self {
            failures_max,
            failures_per_client_max: failures_max.div_ceil(clients),
            pause: Duration::from_millis(limits.circuit_open_ms),
            successes: AtomicU64::new(0),
            is_open: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call may run now.
    pub(in crate::call) fn lets_through(&self) -> bool {
        if !self.is_open() {
            return true;
        }
        let now = clock::now();
        let mut state = self.lock();
        let tries = state.next_try.is_some_and(|next_try| next_try <= now);
        if tries {
            state.next_try = Some(now + self.pause);
        }
        tries
    }

    /// Counts a call that ended by itself, whatever its answer.
    pub(in crate::call) fn succeeded(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        if self.is_open() {
            let mut state = self.lock();
            state.failures.clear();
            self.is_open.store(false, Ordering::Relaxed);
        }
    }

    /// Counts a call of `client` that trapped or exceeded its time. Returns whether this opened the circuit.
    pub(in crate::call) fn failed(&self, client: Client) -> bool {
        let now = clock::now();
        let successes = self.successes.load(Ordering::Relaxed);
        let mut state = self.lock();
        let State { failures, total, .. } = &mut *state;
        failures.retain(|failed| now.saturating_duration_since(failed.at) <= CIRCUIT_WINDOW_MAX);
        if failures.iter().filter(|failed| failed.client == client).count() >= self.failures_per_client_max
            && let Some(oldest) = failures.iter().position(|failed| failed.client == client)
        {
            failures.remove(oldest);
        }
        failures.push_back(Failed { at: now, client, successes, failures: *total });
        *total += 1;
        if failures.len() > self.failures_max {
            failures.pop_front();
        }
        let half_failed = failures
            .front()
            .is_some_and(|oldest| *total - oldest.failures >= successes.saturating_sub(oldest.successes));
        if failures.len() < self.failures_max || !half_failed {
            return false;
        }
        let opens = !self.is_open.swap(true, Ordering::Relaxed);
        if opens {
            state.next_try = Some(now + self.pause);
        }
        opens
    }

    pub(in crate::call) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
