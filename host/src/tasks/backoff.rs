//! How long work waits after a failure before it is restarted.

use std::time::Duration;

use tokio::time::Instant;

/// The wait after the first failure. It doubles with each further one. A restart logs a line, and so there are at most
/// a few lines per second.
pub(super) const WAIT_MIN: Duration = Duration::from_millis(500);

/// The longest wait, so that work resumes soon after an operator has removed the cause.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Work that ran for this long is healthy: its next failure counts as the first.
pub(super) const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// Counts the failures of one piece of work.
#[derive(Debug)]
pub(super) struct Backoff {
    pub(super) failures: u32,
    began: Instant,
}

impl Backoff {
    /// Starts counting; the work begins for the first time now.
    pub(super) fn new() -> Self {
        Self { failures: 0, began: Instant::now() }
    }

    /// Counts a failure: returns how long to wait, and expects the work to begin again after that.
    pub(super) fn failed(&mut self) -> Duration {
        if self.began.elapsed() >= HEALTHY_AFTER {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        let doublings = self.failures.saturating_sub(1).min(16);
        let wait = WAIT_MIN.saturating_mul(1 << doublings).min(WAIT_MAX);
        self.began = Instant::now() + wait;
        wait
    }
}
