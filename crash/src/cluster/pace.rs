//! How fast a client works, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The pace of a client. All clients of a load stop together.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    stop: Arc<AtomicBool>,
    pause: Duration,
}

impl Pace {
    pub(super) fn new(stop: &Arc<AtomicBool>, pause_ms: u64) -> Self {
        Self { stop: Arc::clone(stop), pause: Duration::from_millis(pause_ms) }
    }

    /// Waits for the next piece of work; false when there is none.
    pub(super) async fn goes_on(&self) -> bool {
        tokio::time::sleep(self.pause).await;
        !self.stop.load(Ordering::Relaxed)
    }
}
