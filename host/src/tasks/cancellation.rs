//! Whether somebody still waits for work on another thread, which cannot be dropped as a future can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says whether the work is cancelled. Clones are the same token.
#[derive(Debug, Clone, Default)]
pub struct CancellationToken(Arc<AtomicBool>);

/// Cancels the work of a token when it is dropped: the future that waits for the work holds it.
#[derive(Debug)]
pub struct DropGuard(CancellationToken);

impl CancellationToken {
    /// For work that goes on to its end.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// A token, and the guard that cancels it.
    #[must_use]
    pub fn with_guard() -> (Self, DropGuard) {
        let token = Self::default();
        (token.clone(), DropGuard(token))
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}
