//! Why a backup or a restore failed.

use std::io;
use std::path::PathBuf;

use super::progress::Cancelled;
use crate::journal::{HistoryError, Stopped};
use crate::store::{IndexError, IndexOpenError, LockHolder, StoreError};

/// Why a backup was not written. The files that it leaves have no `backup.json`, so they are no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Make(#[from] IndexOpenError),
    #[error("cannot write {}", path.display())]
    Index { path: PathBuf, source: IndexError },
    #[error("cannot read the store")]
    Read(#[from] StoreError),
    #[error("{} differs from the data that was written: check the disk", path.display())]
    NotAsWritten { path: PathBuf },
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a backup was not restored. The backup and the archive are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("{} holds no finished backup: there is no backup.json in it", path.display())]
    NoBackup { path: PathBuf },
    #[error("{} is damaged: use another backup", path.display())]
    Document { path: PathBuf, source: DocumentError },
    #[error("{} is not as it was backed up: use another backup", path.display())]
    Damaged { path: PathBuf },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is in use ({holder}): stop the host there", path.display())]
    Locked { path: PathBuf, holder: LockHolder },
    #[error("{} is not empty: choose another folder, or move its files away", path.display())]
    NotEmpty { path: PathBuf },
    #[error(transparent)]
    Index(#[from] IndexOpenError),
    #[error("cannot write {}", path.display())]
    IndexWrite { path: PathBuf, source: IndexError },
    #[error("{} differs from the data that was written: check the disk", path.display())]
    NotAsWritten { path: PathBuf },
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the backup has the commits up to {backup} already: to go back behind it, restore an earlier one")]
    BeforeBackup { backup: u64 },
    #[error("the backup is of {backup} already: to go back behind that, restore an earlier one")]
    TimeBeforeBackup { backup: String },
    #[error("there are commits up to {last} only: name the folder with the segments that have the later ones")]
    NotReached { last: u64 },
    #[error(
        "the commits that were found end before that time{}: name the old data directory or an archive with later \
         segments, or restore up to the end of what there is", last.as_ref().map(|last| format!(", at {last}")).unwrap_or_default()
    )]
    TimeNotReached { last: Option<String> },
    #[error("the platform's store cannot be read")]
    Platform(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the stores of the backup cannot be read")]
    Store(#[from] StoreError),
    #[error(
        "a release of commit {number} has {path}, which is neither in the backup nor in the archive or the old data \
         directory: name the folder that has it, or restore another number"
    )]
    FileMissing { number: u64, path: String },
    #[error("no random numbers from the system")]
    Random { source: io::Error },
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a text is not a backup document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("it is not a valid backup.json")]
    Json(#[source] serde_json::Error),
    #[error(
        "it has format {format}, and this version of switchyard reads format {supported}: restore it with the version that made it"
    )]
    Format { format: u64, supported: u64 },
    #[error("it does not match its own digest")]
    Digest,
    #[error("it names {path:?}, which is not a backup file or is named twice")]
    Path { path: String },
    #[error("its {what} is none")]
    Value { what: &'static str },
}
