//! The time for which a leader may speak for the cluster.
//!
//! Invariant: it ends before any other node may lead, whatever pauses the process, because it runs from the moment at
//! which a message was sent that the stream acknowledged later.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::clock;

/// A lease. It only moves forward, until this node leads no more.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Where the count of nanoseconds begins.
    base: Instant,
    /// The end, in nanoseconds after `base`; 0 before the first message.
    until: AtomicU64,
    length: Duration,
    ended: AtomicBool,
    /// Notified when it moves, and when it ends.
    moved: Notify,
}

impl Lease {
    pub(crate) fn new(now: Instant, length: Duration) -> Self {
        Self { base: now, until: AtomicU64::new(0), length, ended: AtomicBool::new(false), moved: Notify::new() }
    }

    /// A message that was sent at `sent` is acknowledged.
    pub(crate) fn renew(&self, sent: Instant) {
        self.until.fetch_max(self.nanos(sent + self.length), Ordering::Release);
        self.moved.notify_waiters();
    }

    /// This node leads no more.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.moved.notify_waiters();
    }

    /// Whether this node may speak for the cluster at `now`.
    pub(crate) fn is_valid(&self, now: Instant) -> bool {
        !self.ended.load(Ordering::Acquire) && self.nanos(now) < self.until.load(Ordering::Acquire)
    }

    /// Whether this node leads no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits while the lease has run out and may be renewed. Returns whether it is valid; otherwise it has ended.
    pub(crate) async fn valid(&self) -> bool {
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
            if self.is_valid(clock::now()) {
                return true;
            }
            if self.ended.load(Ordering::Acquire) {
                return false;
            }
            moved.await;
        }
    }

    /// Resolves when this node leads no more.
    pub(crate) async fn ended(&self) {
        loop {
            let mut moved = pin!(self.moved.notified());
            moved.as_mut().enable();
            if self.ended.load(Ordering::Acquire) {
                return;
            }
            moved.await;
        }
    }

    /// The time that is left at `now`.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        if !self.is_valid(now) {
            return Duration::ZERO;
        }
        Duration::from_nanos(self.until.load(Ordering::Acquire).saturating_sub(self.nanos(now)))
    }

    fn nanos(&self, instant: Instant) -> u64 {
        u64::try_from(instant.saturating_duration_since(self.base).as_nanos()).unwrap_or(u64::MAX)
    }
}
