//! The queue of commits that wait in one store, first come, first served.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(in crate::store) struct Turnstile {
    waiting: AtomicUsize,
    /// A fair lock: it serves its waiters in order.
    turn: Mutex<()>,
}

/// The turn of a commit that waited, or that waits for room at the head. On drop, the next one gets it.
#[derive(Debug)]
pub(in crate::store) struct Turn<'a> {
    _turn: MutexGuard<'a, ()>,
    _waiter: Waiter<'a>,
}

#[derive(Debug)]
struct Waiter<'a>(&'a AtomicUsize);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Turnstile {
    /// Whether a commit waits: then a new one must queue behind it.
    pub(in crate::store) fn has_waiters(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Waits for the turn. If the future is dropped before, the commit leaves the queue.
    pub(in crate::store) async fn take(&self) -> Turn<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiter = Waiter(&self.waiting);
        Turn { _turn: self.turn.lock().await, _waiter: waiter }
    }
}
