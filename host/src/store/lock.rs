//! The lock on a data directory: one process uses it at a time.
//!
//! The lock file records which process holds it and since when. A process that cannot get the lock shows this in its
//! error.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::journal::open_lock_file;

/// The file in a data directory that its user locks.
pub(crate) const LOCK_FILE: &str = "lock";

/// The longest wait for another process to release the lock: the kernel releases the lock of a killed process only
/// after it has freed all memory of that process.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// How often the lock is tried during the wait.
const RETRY: Duration = Duration::from_millis(20);

/// Longest text of a lock file, in bytes: a process id and a time.
const TEXT_BYTES_MAX: usize = 64;

/// The process that holds a lock, as far as the lock file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder(Option<(i32, u64)>);

/// `process 4711, since 2026-01-02T03:04:05.678Z`
impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((process, since)) => write!(f, "process {process}, since {}", clock::rfc_3339_millis(since)),
            None => f.write_str("another process"),
        }
    }
}

impl LockHolder {
    /// Reads the lock file. The text of a process that has ended is ignored: it does not describe the present holder.
    fn read(file: &File) -> Self {
        let mut text = [0; TEXT_BYTES_MAX];
        let bytes = file.read_at(&mut text, 0).unwrap_or(0);
        let text = text.get(..bytes).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        let fields = text.trim_end().split_once(' ');
        let parsed = fields.and_then(|(process, since)| Some((process.parse().ok()?, since.parse().ok()?)));
        Self(parsed.filter(|(process, _)| *process > 0 && is_running(*process)))
    }
}

fn is_running(process: i32) -> bool {
    let found = rustix::process::Pid::from_raw(process).map(rustix::process::test_kill_process);
    matches!(found, Some(Ok(()) | Err(rustix::io::Errno::PERM)))
}

/// Why a data directory was not locked.
#[derive(Debug)]
pub(super) enum LockError {
    Held(LockHolder),
    Io(io::Error),
}

/// Locks the data directory `data`; creates its lock file if it is missing. Waits a little while another process holds
/// the lock.
pub(super) fn lock(data: &Path) -> Result<File, LockError> {
    let file = open_lock_file(&data.join(LOCK_FILE)).map_err(LockError::Io)?;
    take(&file, WAIT_MAX)?;
    let text = format!("{} {}\n", std::process::id(), clock::unix_micros());
    file.set_len(0).and_then(|()| file.write_all_at(text.as_bytes(), 0)).map_err(LockError::Io)?;
    Ok(file)
}

/// Like [`lock`], for a data directory that is only read: its lock file must exist, and is not changed.
pub(super) fn lock_to_read(data: &Path) -> Result<File, LockError> {
    let file = File::open(data.join(LOCK_FILE)).map_err(LockError::Io)?;
    take(&file, WAIT_MAX)?;
    Ok(file)
}

fn take(file: &File, wait_max: Duration) -> Result<(), LockError> {
    let began = clock::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(source)) => return Err(LockError::Io(source)),
            Err(TryLockError::WouldBlock) if clock::elapsed(began) >= wait_max => {
                return Err(LockError::Held(LockHolder::read(file)));
            }
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(RETRY),
        }
    }
}

#[cfg(test)]
mod tests;
