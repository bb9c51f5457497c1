//! The loop of a subscription or a schedule: one task runs it at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Debug, Default)]
pub(super) struct LoopSlot(Arc<AtomicBool>);

/// The right to run the loop, until it is dropped.
#[derive(Debug)]
pub(super) struct LoopClaim(Arc<AtomicBool>);

impl LoopSlot {
    pub(super) fn is_claimed(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Claims the right to run the loop; `None` while another task has it.
    pub(super) fn claim(&self) -> Option<LoopClaim> {
        let is_free = !self.0.swap(true, Ordering::AcqRel);
        is_free.then(|| LoopClaim(Arc::clone(&self.0)))
    }
}

impl Drop for LoopClaim {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
