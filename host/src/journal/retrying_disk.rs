//! A disk that retries while the machine lacks something other than disk space: memory, file descriptors, an undisturbed
//! moment.
//!
//! Such a shortage passes, and it says nothing about the data. So renames, removals, reads, cuts and extensions are
//! retried until they succeed. Only writes and syncs of data fail at once, because after a failed one nobody knows what
//! the disk has. Opening fails at once too: nothing has begun then, and the caller may try again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::disk::{Disk, DiskFile};
use crate::observe::LogLimit;

/// The time between two attempts.
const RETRY: Duration = Duration::from_millis(20);

/// Retries the operations of another disk during such a shortage.
#[derive(Debug)]
pub(crate) struct RetryingDisk {
    disk: Arc<dyn Disk>,
    log: Arc<LogLimit>,
}

impl RetryingDisk {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, log: Arc::default() }
    }

    fn retrying(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(RetryingFile { file, log: Arc::clone(&self.log) })
    }
}

#[derive(Debug)]
struct RetryingFile {
    file: Arc<dyn DiskFile>,
    log: Arc<LogLimit>,
}

/// Whether `error` is about what the machine lacks at the moment.
fn is_shortage(error: &io::Error) -> bool {
    let lacks = |code| matches!(code, Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN | Errno::INTR);
    Errno::from_io_error(error).is_some_and(lacks)
}

fn retried<T>(log: &LogLimit, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match attempt() {
            Err(error) if is_shortage(&error) => {
                if log.allows() {
                    tracing::warn!(%error, "the machine lacks what a file operation needs: the host tries again");
                }
                std::thread::park_timeout(RETRY);
            }
            done => return done,
        }
    }
}

impl Disk for RetryingDisk {
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.retrying(file))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(path).map(|file| self.retrying(file))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        retried(&self.log, || self.disk.rename(from, to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        retried(&self.log, || self.disk.remove(path))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        retried(&self.log, || self.disk.sync_folder(folder))
    }

    fn full(&self, path: &str) -> PathBuf {
        self.disk.full(path)
    }
}

impl DiskFile for RetryingFile {
    fn bytes(&self) -> io::Result<u64> {
        retried(&self.log, || self.file.bytes())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        retried(&self.log, || self.file.read_at(offset, out))
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        retried(&self.log, || self.file.cut(bytes))
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        retried(&self.log, || self.file.allocate(bytes))
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
