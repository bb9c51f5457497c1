//! How failed sign-ins slow the next one, for one e-mail address, whether it has an account or not.
//!
//! The first failures cost nothing, so that a mistyped password does not annoy; then each failure doubles the wait.

use serde::{Deserialize, Serialize};
use switchyard_sdk::Timestamp;

/// Failures in a row after which the next attempt has to wait.
const FREE_FAILURES: u32 = 5;

/// The longest wait, in seconds: a guesser gets four passwords an hour.
const WAIT_SECONDS_MAX: u64 = 15 * 60;

/// How long failures are remembered after the last one, in seconds.
const REMEMBERED_SECONDS: u64 = 24 * 60 * 60;

/// Failed sign-ins in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    failures: u32,
    last_failed_at: Timestamp,
}

impl Attempts {
    /// What they are after one more failure; `before` is what is remembered.
    pub(crate) fn after_failure(before: Option<Self>, now: Timestamp) -> Self {
        let failures = before.filter(|before| !before.forgotten(now)).map_or(0, |before| before.failures);
        Self { failures: failures.saturating_add(1), last_failed_at: now }
    }

    /// Seconds until another attempt is let through, rounded up; zero where it is now.
    pub(crate) fn wait_seconds(&self, now: Timestamp) -> u64 {
        let wait = match self.failures.checked_sub(FREE_FAILURES) {
            None => return 0,
            Some(doublings) => 1u64.checked_shl(doublings).map_or(WAIT_SECONDS_MAX, |wait| wait.min(WAIT_SECONDS_MAX)),
        };
        now.seconds_until(self.last_failed_at.plus_seconds(wait))
    }

    /// When they are forgotten.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.last_failed_at.plus_seconds(REMEMBERED_SECONDS)
    }

    fn forgotten(&self, now: Timestamp) -> bool {
        self.expires_at() <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_micros(1_767_225_600_000_000);

    fn after(failures: u32) -> Attempts {
        let mut attempts = Attempts::after_failure(None, NOW);
        for _ in 1..failures {
            attempts = Attempts::after_failure(Some(attempts), NOW);
        }
        attempts
    }

    #[test]
    fn the_wait_doubles_from_the_fifth_failure_on_up_to_15_minutes() {
        let cases =
            [(1, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (14, 512), (15, 900), (16, 900), (80, 900), (1000, 900)];
        for (failures, seconds) in cases {
            assert_eq!(after(failures).wait_seconds(NOW), seconds, "{failures}");
        }
    }

    #[test]
    fn the_wait_runs_from_the_last_failure() {
        let attempts = after(7);
        for (later, seconds) in [(0, 4), (1, 3), (3, 1), (4, 0), (5, 0)] {
            assert_eq!(attempts.wait_seconds(NOW.plus_seconds(later)), seconds, "{later}");
        }
    }

    #[test]
    fn failures_are_forgotten_a_day_after_the_last_one() {
        let day = REMEMBERED_SECONDS;
        assert_eq!(Attempts::after_failure(Some(after(9)), NOW.plus_seconds(day - 1)).failures, 10);
        assert_eq!(Attempts::after_failure(Some(after(9)), NOW.plus_seconds(day)).failures, 1);
        assert_eq!(after(9).expires_at(), NOW.plus_seconds(day));
    }
}
