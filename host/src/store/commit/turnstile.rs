//! Those who wait to commit in one store, in the order in which they came.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(in crate::store) struct Turnstile {
    waiting: AtomicUsize,
    /// Its waiters are served in their order.
    turn: Mutex<()>,
}

/// The turn of one who waited, or waits for room at the head. Dropped, it is the next one's.
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
    /// Whether somebody waits: whoever comes then comes behind him.
    pub(in crate::store) fn has_waiters(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// Waits for the turn. Dropped before, nothing is left of the wait.
    pub(in crate::store) async fn take(&self) -> Turn<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let waiter = Waiter(&self.waiting);
        Turn { _turn: self.turn.lock().await, _waiter: waiter }
    }
}
