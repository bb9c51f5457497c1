//! Failed sign-ins slow the next one down, per e-mail address, whether it has an account or not.
//!
//! The first failures cost nothing, so that a mistyped password does not annoy; then each failure doubles the wait. The
//! longest wait is short: a stranger who fails on purpose must not keep the owner out. In addition, the host limits the
//! number of attempts from one client address.

use serde::{Deserialize, Serialize};
use switchyard_sdk::Timestamp;

/// Failures in a row after which the next attempt must wait.
const FREE_FAILURES: u32 = 5;

/// The longest wait, in seconds. With ten attempts a minute from one address, a stranger makes the owner wait at most
/// half of the time; an attacker with many addresses gets 20 passwords a minute.
const WAIT_SECONDS_MAX: u64 = 3;

/// How long failures are remembered after the last one, in seconds.
const REMEMBERED_SECONDS: u64 = 24 * 60 * 60;

/// Failed sign-ins in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    failures: u32,
    last_failed_at: Timestamp,
}

impl Attempts {
    /// The failed sign-ins that another implementation counted.
    pub(crate) fn of_another(failures: u32, last_failed_at: Timestamp) -> Self {
        Self { failures, last_failed_at }
    }

    /// How many, and when the last one was.
    pub(crate) fn into_parts(self) -> (u32, Timestamp) {
        (self.failures, self.last_failed_at)
    }

    /// The state after one more failure; `before` is the remembered state.
    pub(crate) fn after_failure(before: Option<Self>, now: Timestamp) -> Self {
        let failures = before.filter(|before| !before.forgotten(now)).map_or(0, |before| before.failures);
        Self { failures: failures.saturating_add(1), last_failed_at: now }
    }

    /// Seconds until another attempt is allowed, rounded up; zero if it is allowed now.
    pub(crate) fn wait_seconds(&self, now: Timestamp) -> u64 {
        let wait = match self.failures.checked_sub(FREE_FAILURES) {
            None => return 0,
            Some(doublings) => 1u64.checked_shl(doublings).map_or(WAIT_SECONDS_MAX, |wait| wait.min(WAIT_SECONDS_MAX)),
        };
        now.seconds_until(self.last_failed_at.plus_seconds(wait))
    }

    /// When they expire.
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
    fn the_wait_doubles_from_the_fifth_failure_on_up_to_3_seconds() {
        let cases = [(1, 0), (4, 0), (5, 1), (6, 2), (7, 3), (10, 3), (80, 3), (1000, 3)];
        for (failures, seconds) in cases {
            assert_eq!(after(failures).wait_seconds(NOW), seconds, "{failures}");
        }
    }

    #[test]
    fn the_wait_runs_from_the_last_failure() {
        let attempts = after(7);
        for (later, seconds) in [(0, 3), (1, 2), (2, 1), (3, 0), (5, 0)] {
            assert_eq!(attempts.wait_seconds(NOW.plus_seconds(later)), seconds, "{later}");
        }
    }

    /// The stranger tries as often as the host allows one address, every 6 seconds. The owner tries once, and again
    /// after the requested wait.
    #[test]
    fn a_stranger_who_fails_on_purpose_does_not_lock_the_owner_out() {
        for owner_comes_at in 0..60 {
            let mut attempts = after(100);
            let (mut owner_tries_at, mut tries, mut is_in) = (owner_comes_at, 0, false);
            for second in 0..120 {
                let now = NOW.plus_seconds(second);
                if second % 6 == 0 && attempts.wait_seconds(now) == 0 {
                    attempts = Attempts::after_failure(Some(attempts), now);
                }
                if second == owner_tries_at {
                    tries += 1;
                    let wait = attempts.wait_seconds(now);
                    is_in = wait == 0;
                    owner_tries_at += wait;
                    if is_in {
                        break;
                    }
                }
            }
            assert!(is_in && tries <= 2, "{owner_comes_at}: {tries} tries");
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
