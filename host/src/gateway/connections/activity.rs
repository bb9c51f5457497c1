//! The activity of a connection, from which its watch distinguishes work from a connection that is only held open.
//!
//! Invariant: bytes alone do not count as work. A handled request, a sent piece of an answer, or a write of some size
//! does.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock;
use crate::limits::{ANSWER_CREDIT_MS_MAX, ANSWER_GRACE_MS, WRITE_PROGRESS_BYTES_MIN};

/// How long a connection may make the host wait.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct ConnectionTimeouts {
    /// From the first to the last byte of a head.
    pub(in crate::gateway) head: Duration,
    /// Time without any work.
    pub(in crate::gateway) idle: Duration,
}

/// The activity of one connection, shared by its input and output, its requests and its watch.
///
/// Times are milliseconds since the connection began. These values order no other memory, so relaxed access is enough.
#[derive(Debug)]
pub(in crate::gateway) struct Activity {
    began: Instant,
    requests: AtomicU32,
    /// Answers that are being sent, and those of them that wait for their client to read more.
    streams: AtomicU32,
    unread: AtomicU32,
    /// The client has read enough until this time.
    paid_until_ms: AtomicU64,
    bytes_per_second_min: u64,
    worked_ms: AtomicU64,
    /// When the current head began, plus one; 0: no head is being read.
    head_ms: AtomicU64,
    /// HTTP/2 has frames that belong to no head, so heads are timed only on HTTP/1.1.
    http2: AtomicBool,
}

/// A request that is being handled. While one exists, the connection is not idle.
#[derive(Debug)]
pub(in crate::gateway) struct RequestGuard(Arc<Activity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.progress();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that is being sent. Unlike a request, it can time out the connection, if the client does not read it.
#[derive(Debug)]
pub(in crate::gateway) struct StreamGuard {
    activity: Arc<Activity>,
    unread: bool,
}

impl StreamGuard {
    /// The client can take a piece; `is_there` says whether one is ready.
    pub(in crate::gateway) fn progress(&mut self, is_there: bool) {
        self.activity.progress();
        self.set_unread(is_there);
    }

    fn set_unread(&mut self, unread: bool) {
        match (self.unread, unread) {
            (false, true) => self.activity.begins_unread(),
            (true, false) => drop(self.activity.unread.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
        self.unread = unread;
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.activity.progress();
        self.set_unread(false);
        self.activity.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Activity {
    pub(in crate::gateway) fn new(bytes_per_second_min: u32) -> Self {
        Self {
            unread: AtomicU32::new(0),
            paid_until_ms: AtomicU64::new(0),
            bytes_per_second_min: u64::from(bytes_per_second_min.max(1)),
            began: clock::now(),
            requests: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            worked_ms: AtomicU64::new(0),
            head_ms: AtomicU64::new(0),
            http2: AtomicBool::new(false),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(clock::now().duration_since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// A head is complete: its request counts as handled until the guard drops.
    pub(in crate::gateway) fn handle(self: &Arc<Self>) -> RequestGuard {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.head_ms.store(0, Ordering::Relaxed);
        RequestGuard(Arc::clone(self))
    }

    pub(in crate::gateway) fn stream(self: &Arc<Self>) -> StreamGuard {
        self.streams.fetch_add(1, Ordering::Relaxed);
        let mut guard = StreamGuard { activity: Arc::clone(self), unread: false };
        guard.set_unread(true);
        guard
    }

    fn begins_unread(&self) {
        if self.unread.fetch_add(1, Ordering::Relaxed) == 0 {
            let grace = self.now_ms().saturating_add(ANSWER_GRACE_MS);
            self.paid_until_ms.fetch_max(grace, Ordering::Relaxed);
        }
    }

    /// Records useful work.
    fn progress(&self) {
        self.worked_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    pub(in crate::gateway) fn speaks_http2(&self) {
        self.http2.store(true, Ordering::Relaxed);
        self.head_ms.store(0, Ordering::Relaxed);
    }

    /// Whether no request is handled and no answer is sent, over HTTP/1.
    pub(in crate::gateway) fn waits_for_head(&self) -> bool {
        let nothing = |count: &AtomicU32| count.load(Ordering::Relaxed) == 0;
        nothing(&self.requests) && nothing(&self.streams) && !self.http2.load(Ordering::Relaxed)
    }

    /// Records that bytes were read.
    pub(in crate::gateway) fn read(&self) {
        let busy = self.requests.load(Ordering::Relaxed) > 0 || self.streams.load(Ordering::Relaxed) > 0;
        if !busy && !self.http2.load(Ordering::Relaxed) && self.head_ms.load(Ordering::Relaxed) == 0 {
            self.head_ms.store(self.now_ms().saturating_add(1), Ordering::Relaxed);
        }
    }

    /// Records that bytes were written. Small writes do not count, because a client can cause them at will (`PING`).
    pub(in crate::gateway) fn wrote(&self, bytes: usize) {
        if bytes >= WRITE_PROGRESS_BYTES_MIN {
            self.progress();
        }
        if self.unread.load(Ordering::Relaxed) > 0 {
            let bought = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(1000) / self.bytes_per_second_min;
            let paid_until = self.paid_until_ms.load(Ordering::Relaxed).saturating_add(bought);
            let most = self.now_ms().saturating_add(ANSWER_CREDIT_MS_MAX);
            self.paid_until_ms.store(paid_until.min(most), Ordering::Relaxed);
        }
    }

    /// Whether a head began and is incomplete.
    pub(in crate::gateway) fn reads_head(&self) -> bool {
        self.head_ms.load(Ordering::Relaxed) != 0
    }

    /// Whether the client has read all that is there of an answer, and waits for more of it.
    fn waits_for_answer(&self) -> bool {
        self.streams.load(Ordering::Relaxed) > self.unread.load(Ordering::Relaxed)
    }

    /// When to close the connection if nothing happens until then.
    pub(in crate::gateway) fn deadline(&self, timeouts: ConnectionTimeouts) -> Instant {
        let at = |mark: u64| self.began + Duration::from_millis(mark);
        let deadline = match self.head_ms.load(Ordering::Relaxed) {
            // Handling a request has its own limits, and so has an answer whose next piece is not there yet.
            _ if self.requests.load(Ordering::Relaxed) > 0 || self.waits_for_answer() => clock::now() + timeouts.idle,
            0 => at(self.worked_ms.load(Ordering::Relaxed)) + timeouts.idle,
            began => at(began - 1) + timeouts.head,
        };
        match self.unread.load(Ordering::Relaxed) {
            0 => deadline,
            _ => deadline.min(at(self.paid_until_ms.load(Ordering::Relaxed))),
        }
    }
}
