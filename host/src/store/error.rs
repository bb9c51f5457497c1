//! The errors of a store.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::cluster::error::JoinError;
use super::index::error::IndexError;
use super::index::error::IndexOpenError;
use super::lock::LockHolder;
use crate::journal::{self, AppendError, Stopped};
use crate::limits::{COMMIT_BYTES_MAX, EVENT_BYTES_MAX, EVENTS_BYTES_MAX, SCAN_ENTRIES_MAX, VALUE_BYTES_MAX};
use crate::names::{NameError, ServiceName};
use crate::tasks::Panicked;

/// Why a transaction refused an operation. The transaction is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Key(#[from] NameError),
    #[error("the value has {bytes} bytes, at most {VALUE_BYTES_MAX} can be stored")]
    ValueTooLarge { bytes: usize },
    #[error("a function that only reads cannot write")]
    ReadOnly,
    #[error("a commit writes at most {keys_max} keys")]
    TooManyKeys { keys_max: usize },
    #[error("a call writes at most {COMMIT_BYTES_MAX} bytes of keys, values and events")]
    CommitTooLarge,
    #[error("an event has at most {EVENT_BYTES_MAX} bytes, not {bytes}")]
    EventTooLarge { bytes: usize },
    #[error("a call emits at most {EVENTS_BYTES_MAX} bytes of events")]
    EventsTooLarge,
    #[error("a scan returns 1 to {SCAN_ENTRIES_MAX} entries, not {limit}: change its limit")]
    ScanLimit { limit: u32 },
    #[error("`after` of a scan must begin with its prefix")]
    ScanAfter,
    #[error("the index contains a key that is not text: it is damaged; restore the data directory from a backup")]
    KeyNotText,
    #[error("cannot read the row {key} of a system table: it is damaged, or from a later version of switchyard")]
    Row { key: String },
    #[error("cannot read the index")]
    Index(#[source] IndexError),
}

/// Why a call cannot run again on the snapshot that it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("the store has released the snapshot")]
    Released,
    /// The other generation of the data was not known to hold the same entities.
    #[error("the copy of the data was behind")]
    Behind,
}

/// Why a call was not committed. None of its effects remains.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another commit changed something that the call read: run it again.
    #[error("what the call read was changed by another")]
    Conflict {
        /// The key that was changed, or the start of the range that was read, as the component names it; `None` if that
        /// is not known.
        read: Option<Arc<str>>,
    },
    #[error("the store of {service} may hold {bytes_max} bytes, and they are taken")]
    Quota { service: ServiceName, bytes_max: u64 },
    #[error("the disk is full: free space; commits then continue by themselves")]
    NoRoom { source: Option<Arc<io::Error>> },
    #[error("a commit may have at most {bytes_max} bytes in the journal, not {bytes}")]
    TooLarge { bytes: u64, bytes_max: u64 },
    #[error("the store of {service} was dropped")]
    Dropped { service: ServiceName },
    #[error("a rehearsal is never committed")]
    Rehearsal,
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AppendError> for CommitError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::TooLarge { bytes, bytes_max } => Self::TooLarge { bytes, bytes_max },
            AppendError::NoRoom { source } => Self::NoRoom { source: Some(source) },
            AppendError::Stopped(stopped) => Self::Stopped(stopped),
            // The pipeline waits for both; a caller that does not wait runs again.
            AppendError::NotReady | AppendError::Moved => Self::Conflict { read: None },
        }
    }
}

/// Why the stores of a data directory are not opened, or a store is not added.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is in use ({holder}): stop the host there, or choose another data directory", path.display())]
    Locked { path: PathBuf, holder: LockHolder },
    #[error(
        "a backup was not restored into {} to its end: delete what is there, and restore it again", path.display()
    )]
    Unfinished { path: PathBuf },
    #[error("cannot use {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("segments of {bytes} bytes are too small: a commit may take {bytes_min}")]
    SegmentsTooSmall { bytes: u64, bytes_min: u64 },
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    #[error(transparent)]
    Index(#[from] IndexOpenError),
    #[error("cannot read the index {}", path.display())]
    Read { path: PathBuf, source: IndexError },
    #[error("{} is of another journal than the rest: put back the file that belongs here", path.display())]
    OtherJournal { path: PathBuf },
    #[error(
        "{} has the commits up to {index}, the journal in {} only those up to {journal}: restore the data directory \
         from a backup",
        path.display(), folder.display()
    )]
    JournalBehind { path: PathBuf, folder: PathBuf, index: u64, journal: u64 },
    #[error(
        "{service} had a store, but {} is missing: put it back, or restore the data directory from a backup",
        path.display()
    )]
    IndexMissing { service: ServiceName, path: PathBuf },
    #[error(
        "{} is missing: it holds the releases, the tokens and the history of this data directory; put it back, or \
         restore the data directory from a backup", path.display()
    )]
    PlatformMissing { path: PathBuf },
    #[error(
        "this data directory is part of a cluster, and the manifest has no `cluster.servers`: list them, or restore a backup \
         into an empty data directory"
    )]
    InCluster,
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("no random numbers from the system")]
    Random { source: io::Error },
    #[error("cannot start the thread of the indexes")]
    Thread { source: io::Error },
    #[error("cannot record that the store of {service} exists")]
    Record { service: ServiceName, source: Box<CommitError> },
    #[error("the store of {service} already exists")]
    InUse { service: ServiceName },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Why a store was not dropped, or not completely.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    #[error("{service} is in use: remove the service before you drop its store")]
    InUse { service: ServiceName },
    #[error("there is no store of {service}")]
    Unknown { service: ServiceName },
    #[error("the disk is full: free space, and drop the store again")]
    NoRoom { source: Arc<io::Error> },
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The store is dropped, but its file may still exist: drop it again, or restart, to delete the file.
    #[error("cannot delete {}: drop the store again, or restart the host", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// Why the stores were not closed in order. Acknowledged commits are durable nonetheless; the next start replays them.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    #[error("cannot close the journal")]
    Journal { source: io::Error },
    #[error("cannot write the index of {service}")]
    Index { service: ServiceName, source: IndexError },
    #[error(transparent)]
    Panicked(#[from] Panicked),
}
