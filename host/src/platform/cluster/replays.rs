//! The envelopes that a node has taken lately: each is taken once, so a request that somebody has captured is not run again.
//!
//! Invariant: an envelope is remembered until it is too old to be taken, and none from before the memory began is taken.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::envelope::{AGE_MAX, Tag};
use crate::clock;

/// An envelope may come [`AGE_MAX`] before its time, by this node's clock, and until so long after it.
const PERIOD: Duration = Duration::from_secs(2 * AGE_MAX.as_secs());

/// Most envelopes of a period: more than a leader can answer in a minute, and some 40 MB.
const TAGS_MAX: usize = 2 * 1024 * 1024;

/// The envelopes of this period and of the one before it.
#[derive(Debug)]
pub(super) struct Replays {
    /// When this process began, in microseconds since the Unix epoch.
    since: u64,
    periods: Mutex<Periods>,
}

#[derive(Debug)]
struct Periods {
    began: Instant,
    now: HashSet<Tag>,
    before: HashSet<Tag>,
    tags_max: usize,
}

/// What is known of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Never,
    /// Somebody sends it again.
    Before,
    /// There is no room to remember it.
    Full,
}

impl Replays {
    pub(super) fn new() -> Self {
        Self::of_at_most(TAGS_MAX)
    }

    fn of_at_most(tags_max: usize) -> Self {
        let (now, before) = Default::default();
        let periods = Mutex::new(Periods { began: clock::now(), now, before, tags_max });
        Self { since: clock::unix_micros(), periods }
    }

    /// Since when it knows all envelopes.
    pub(super) fn since(&self) -> u64 {
        self.since
    }

    /// Notes an envelope.
    pub(super) fn see(&self, tag: Tag) -> Seen {
        let mut periods = self.periods.lock().unwrap_or_else(PoisonError::into_inner);
        if clock::elapsed(periods.began) > PERIOD {
            periods.began = clock::now();
            periods.before = std::mem::take(&mut periods.now);
        }
        if periods.before.contains(&tag) || periods.now.contains(&tag) {
            return Seen::Before;
        }
        if periods.now.len() >= periods.tags_max {
            return Seen::Full;
        }
        periods.now.insert(tag);
        Seen::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::cluster::envelope::tag_of_test;

    #[test]
    fn an_envelope_is_taken_once_and_forgotten_only_when_it_is_too_old() {
        let replays = Replays::of_at_most(3);
        let end_period = || {
            let mut periods = replays.periods.lock().unwrap();
            periods.began = periods.began.checked_sub(PERIOD + Duration::from_millis(1)).expect("the machine is up");
        };
        assert_eq!((replays.see(tag_of_test(1)), replays.see(tag_of_test(1))), (Seen::Never, Seen::Before));
        end_period();
        assert_eq!((replays.see(tag_of_test(1)), replays.see(tag_of_test(2))), (Seen::Before, Seen::Never));
        end_period();
        assert_eq!((replays.see(tag_of_test(2)), replays.see(tag_of_test(1))), (Seen::Before, Seen::Never));
    }

    #[test]
    fn without_room_nothing_is_taken_that_could_come_again() {
        let replays = Replays::of_at_most(2);
        let seen = [1, 2, 3, 2].map(|tag| replays.see(tag_of_test(tag)));
        assert_eq!(seen, [Seen::Never, Seen::Never, Seen::Full, Seen::Before]);
    }
}
