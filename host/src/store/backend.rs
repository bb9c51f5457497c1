//! A redb file on the disk of the journal.
//!
//! A full disk is not an error here: the file takes its room when it grows, and growing waits until there is room.
//! Only the thread that writes the indexes grows them, so reads go on meanwhile; a failed call would make redb refuse
//! them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use redb::StorageBackend;
use tokio::sync::Notify;

use crate::journal::DiskFile;

/// How often growth is tried again while the disk is full.
const RETRY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Backend {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) full: Arc<Full>,
}

/// Whether the indexes wait for room on the disk.
#[derive(Debug)]
pub(super) struct Full {
    /// Told when the wait begins: who waits for the indexes then gets an error instead.
    room: Arc<Notify>,
    waits: AtomicBool,
    closing: Mutex<bool>,
    changed: Condvar,
}

impl Full {
    pub(super) fn new(room: Arc<Notify>) -> Self {
        Self { room, waits: AtomicBool::new(false), closing: Mutex::new(false), changed: Condvar::new() }
    }

    /// A full disk is an error from the beginning.
    pub(super) fn refused() -> Self {
        Self { closing: Mutex::new(true), ..Self::new(Arc::default()) }
    }

    pub(super) fn waits(&self) -> bool {
        self.waits.load(Ordering::Acquire)
    }

    /// From now on a full disk is an error, not waited for.
    pub(super) fn close(&self) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_closing(&self) -> bool {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a little.
    fn wait(&self) {
        let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        self.waits.store(true, Ordering::Release);
        self.room.notify_waiters();
        let waited = self.changed.wait_timeout_while(closing, RETRY, |closing| !*closing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        if bytes < self.file.bytes()? {
            return self.file.cut(bytes);
        }
        loop {
            // When the end comes during the wait, there may be room meanwhile: this is then the last try.
            let last = self.full.is_closing();
            match self.file.allocate(bytes) {
                Err(error) if is_full(&error) && !last => self.full.wait(),
                done => {
                    self.full.waits.store(false, Ordering::Release);
                    return done;
                }
            }
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
