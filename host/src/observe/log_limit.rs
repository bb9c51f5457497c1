//! Prevents a log line from repeating several times a second while its cause lasts. Metrics count what is not logged.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// How many lines are allowed in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rate {
    lines: u32,
    period: Duration,
}

/// Of a line that is about one lasting cause.
const OF_CAUSE: Rate = Rate { lines: 1, period: Duration::from_secs(10) };

/// Of a line that is about another request each time. A few of them show the cause.
const OF_REQUESTS: Rate = Rate { lines: 4, period: Duration::from_secs(1) };

/// The lines since `began`, which is at most one period ago.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    lines: u32,
}

impl Rate {
    fn is_over(self, window: &Window) -> bool {
        clock::elapsed(window.began) >= self.period
    }

    /// Whether one more line is allowed now; counts it in `window`.
    fn allows(self, window: &mut Option<Window>) -> bool {
        window.take_if(|window| self.is_over(window));
        let window = window.get_or_insert_with(|| Window { began: clock::now(), lines: 0 });
        let is_allowed = window.lines < self.lines;
        window.lines += u32::from(is_allowed);
        is_allowed
    }
}

/// Limits one line.
#[derive(Debug)]
pub(crate) struct LogLimit(Rate, Mutex<Option<Window>>);

/// For a line about one cause: one in ten seconds.
impl Default for LogLimit {
    fn default() -> Self {
        Self(OF_CAUSE, Mutex::new(None))
    }
}

impl LogLimit {
    /// For a line about a request: four in a second.
    pub(crate) const fn of_requests() -> Self {
        Self(OF_REQUESTS, Mutex::new(None))
    }

    /// Whether the line may be logged now.
    pub(crate) fn allows(&self) -> bool {
        self.0.allows(&mut self.1.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Limits several lines, each by its own key: a name of the line, or what it is about.
#[derive(Debug)]
pub(crate) struct LogLimits<K>(Rate, Mutex<BTreeMap<K, Option<Window>>>);

/// For lines about one cause each, as [`LogLimit::default`].
impl<K> Default for LogLimits<K> {
    fn default() -> Self {
        Self(OF_CAUSE, Mutex::new(BTreeMap::new()))
    }
}

impl<K: Ord> LogLimits<K> {
    /// For lines about requests, as [`LogLimit::of_requests`].
    pub(crate) const fn of_requests() -> Self {
        Self(OF_REQUESTS, Mutex::new(BTreeMap::new()))
    }

    /// Whether the line `key` may be logged now.
    pub(crate) fn allows(&self, key: K) -> bool {
        let Self(rate, windows) = self;
        let mut windows = windows.lock().unwrap_or_else(PoisonError::into_inner);
        // What is over limits nothing, and so keys that nobody uses any more do not stay.
        windows.retain(|_, window| window.as_ref().is_some_and(|window| !rate.is_over(window)));
        rate.allows(windows.entry(key).or_default())
    }
}

#[cfg(test)]
mod tests;
