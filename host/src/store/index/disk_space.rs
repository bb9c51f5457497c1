//! Disk space for the indexes: whether an index waits for it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How often growth is retried while the disk is full.
const RETRY: Duration = Duration::from_millis(100);

/// Whether the indexes wait for room on the disk.
#[derive(Debug)]
pub(in crate::store) struct DiskSpace {
    /// Notified when a wait begins: callers that wait for the indexes then get an error.
    room: Arc<Notify>,
    waiting: AtomicUsize,
    closing: Mutex<bool>,
    changed: Condvar,
}

impl DiskSpace {
    pub(in crate::store) fn new(room: Arc<Notify>) -> Self {
        Self { room, waiting: AtomicUsize::new(0), closing: Mutex::new(false), changed: Condvar::new() }
    }

    /// Treats a full disk as an error from the beginning.
    pub(in crate::store) fn refused() -> Self {
        Self { closing: Mutex::new(true), ..Self::new(Arc::default()) }
    }

    /// Whether an index waits for room.
    pub(in crate::store) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// From now on, a full disk is an error.
    pub(in crate::store) fn close(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Runs `grow` until it has the room. If [`DiskSpace::close`] is called meanwhile, it tries a last time.
    pub(in crate::store) fn wait_for_room(&self, mut grow: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let mut waits = false;
        let done = loop {
            let last = *self.lock();
            match grow() {
                Err(error) if is_full(&error) && !last => {
                    if !std::mem::replace(&mut waits, true) {
                        self.waiting.fetch_add(1, Ordering::AcqRel);
                        self.room.notify_waiters();
                    }
                    let waited = self.changed.wait_timeout_while(self.lock(), RETRY, |closing| !*closing);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                }
                done => break done,
            }
        };
        if waits {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
