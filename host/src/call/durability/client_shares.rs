//! The share of kept answers that each client may use: a client that fills its share is refused, without effect on
//! others.
//!
//! A share refills evenly over the time that answers are kept. So the kept answers of one client never take more than
//! twice its share.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::limits::ANSWER_CLIENTS_MAX;

#[derive(Debug)]
pub(in crate::call::durability) struct ClientShares {
    refill: Duration,
    /// By client: the bytes in use at some moment.
    used: Mutex<HashMap<u64, Used>>,
}

#[derive(Debug, Clone, Copy)]
struct Used {
    bytes: u64,
    at: Instant,
}

impl ClientShares {
    pub(in crate::call::durability) fn new(answers_kept_ms: u64) -> Self {
        Self { refill: Duration::from_millis(answers_kept_ms.max(1)), used: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `client` has room in its share of `share` bytes.
    ///
    /// # Errors
    ///
    /// When it will have room again, in seconds.
    pub(in crate::call::durability) fn check(&self, client: u64, share: u64) -> Result<(), u64> {
        let used = self.lock().get(&client).map_or(0, |used| self.used_now(*used, share));
        if used < share {
            return Ok(());
        }
        // At least a hundredth of the share, so that a client does not have to wait for every answer.
        let room = (used - share).saturating_add(share / 100).max(1);
        let seconds = self.refill.as_secs_f64() * room as f64 / share.max(1) as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of seconds")]
        Err((seconds.ceil() as u64).max(1))
    }

    /// Counts an answer of `bytes` that is kept for `client`.
    pub(in crate::call::durability) fn add(&self, client: u64, share: u64, bytes: u64) {
        let mut all = self.lock();
        if all.len() >= ANSWER_CLIENTS_MAX && !all.contains_key(&client) {
            // Shares that have refilled need no entry.
            all.retain(|_, used| self.used_now(*used, share) > 0);
        }
        // Above the limit, further clients share one entry.
        let client = if all.len() >= ANSWER_CLIENTS_MAX && !all.contains_key(&client) { u64::MAX } else { client };
        let before = all.get(&client).map_or(0, |used| self.used_now(*used, share));
        all.insert(client, Used { bytes: before.saturating_add(bytes), at: clock::now() });
    }

    fn used_now(&self, used: Used, share: u64) -> u64 {
        let passed = clock::now().saturating_duration_since(used.at).as_secs_f64() / self.refill.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of bytes")]
        used.bytes.saturating_sub((share as f64 * passed) as u64)
    }
}

#[cfg(test)]
mod tests;
