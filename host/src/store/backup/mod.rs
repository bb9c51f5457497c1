//! Backups: a copy of all stores at one number of the journal, taken while calls go on, and restores to that number or
//! to a later one.
//!
//! Invariant: a folder is a backup exactly if it has a `backup.json`. This file is written last, after all files that
//! it names were read back and are durable. A host starts on a restored directory only when the restore is complete.

mod document;
mod error;
mod files;
mod named;
mod place;
mod progress;
mod replay;
mod restore;
mod write;

pub(crate) use document::{BACKUP_FOLDERS, BackupFile, DOCUMENT, DOCUMENT_NEW};
pub use document::{BACKUP_FORMAT, BackupDocument};
pub use error::{BackupError, DocumentError, RestoreError};
#[cfg(test)]
pub(super) use named::NamedFiles;
pub use place::RestoreOrder;
pub(crate) use place::restore;
#[cfg(any(test, feature = "fail-points"))]
pub(crate) use place::restore_between;
pub(crate) use progress::ProgressReport;
pub use progress::{Cancelled, Progress};
pub(in crate::store) use replay::Stage;
pub use replay::{Restored, Until};
pub(crate) use restore::UNFINISHED;
#[cfg(test)]
pub(super) use restore::run as restore_on;
pub(crate) use write::{BackupWriter, StoresSnapshot};
