//! The inputs of one request, and what the part above learns of its response.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Instant;

use crate::names::{Generation, Identity, RequestId};
use crate::runtime::instance::Failure;
use crate::store::Transaction;

/// The resource of its service that a request holds.
pub type Slot = Arc<dyn fmt::Debug + Send + Sync>;

/// The inputs for the handling of one request. A re-run of a request gets a new frame with the same seed and time.
#[derive(Debug)]
pub struct HttpFrame {
    pub request: RequestId,
    /// When the guest is ended if its response has not begun.
    pub deadline: Instant,
    /// When the guest is ended if it still runs after its response has begun; an unfinished response then breaks off.
    pub stream_deadline: Instant,
    /// Dropped when the guest has ended and its memory is free.
    pub instance: Slot,
    pub transaction: Transaction,
    /// The data that the transaction is on.
    pub generation: Generation,
    pub identity: Option<Identity>,
    /// Whether it is for a node that does not lead: before its response begins it may only read, and its first write or request
    /// to another host ends it with [`Failure::OnlyReads`].
    pub only_reads: bool,
    /// The source of the randomness of `switchyard:service/call`.
    pub seed: [u8; 32],
    /// The time of `switchyard:service/call`.
    pub time_unix_micros: u64,
}

/// Learns how a response goes on that has begun. It is dropped when the guest has ended and the last byte of the
/// response is gone.
pub trait ResponseObserver: fmt::Debug + Send + Sync {
    /// The guest failed, and not because the client went away.
    fn guest_failed(&self, failure: &Failure);

    /// The guest ended its response with an error.
    fn response_failed(&self);
}

/// How far the response of a request is. Clones belong to the same request.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Locked while the guest runs, until its next pause. A failing guest ends its body a moment before its failure is
    /// known.
    runs: Mutex<()>,
    has_begun: AtomicBool,
    is_broken: AtomicBool,
    is_abandoned: AtomicBool,
}

impl Progress {
    /// The guest has given its response.
    pub(super) fn begin(&self) {
        self.0.has_begun.store(true, Ordering::Release);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Acquire)
    }

    /// Lets the guest run until its next pause, and notes its failure.
    pub(super) fn run<T, E>(&self, poll: impl FnOnce() -> Poll<Result<T, E>>) -> Poll<Result<T, E>> {
        let _runs = self.0.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = poll();
        if matches!(polled, Poll::Ready(Err(_))) {
            self.break_off();
        }
        polled
    }

    /// The guest failed. This is set before the guest's resources, and the body with them, are dropped.
    pub(super) fn break_off(&self) {
        self.0.is_broken.store(true, Ordering::Release);
    }

    /// Whether a body that has ended was broken off. Waits for the next pause of the guest, at most a few milliseconds.
    pub(super) fn is_broken(&self) -> bool {
        drop(self.0.runs.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.is_broken.load(Ordering::Acquire)
    }

    /// Nobody reads the body any more. This is set before the guest can notice it.
    pub(super) fn abandon(&self) {
        self.0.is_abandoned.store(true, Ordering::Release);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.0.is_abandoned.load(Ordering::Acquire)
    }
}
