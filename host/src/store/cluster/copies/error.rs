//! Why a copy was not stored, or not loaded.

use std::io;
use std::path::PathBuf;

use crate::journal::stream::StreamError;
use crate::store::{BackupError, RestoreError};

/// Why no copy of a cluster was stored. Earlier copies, and the stream after them, are there; the host tries again.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("cannot read or change the stream or the object store of the cluster")]
    Stream(#[from] StreamError),
    #[error("cannot copy the stores")]
    Backup(#[from] BackupError),
    #[error("cannot use {}", path.display())]
    File { path: PathBuf, source: io::Error },
}

/// Why a copy of a cluster was not loaded. The next start loads one again.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read the stream or the object store of the cluster")]
    Stream(#[from] StreamError),
    #[error("{path} in the copy {copy} of the cluster is damaged or incomplete")]
    Damaged { copy: String, path: String },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Restore(#[from] RestoreError),
}
