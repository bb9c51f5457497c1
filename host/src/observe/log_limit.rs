//! Prevents a log line from repeating several times a second while its cause lasts.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// The shortest time between two lines.
const PERIOD: Duration = Duration::from_secs(10);

/// Allows one line in each [`PERIOD`].
#[derive(Debug, Default)]
pub(crate) struct LogLimit(Mutex<Option<Instant>>);

impl LogLimit {
    /// Whether the line may be logged now.
    pub(crate) fn allows(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let allowed = last.is_none_or(|last| clock::elapsed(last) >= PERIOD);
        if allowed {
            *last = Some(clock::now());
        }
        allowed
    }
}

#[cfg(test)]
mod tests;
