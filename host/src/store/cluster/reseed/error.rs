//! Why a stream was not written again.

use std::io;
use std::path::PathBuf;

use crate::journal;
use crate::journal::stream::StreamError;
use crate::store::cluster::copies::CopyError;
use crate::store::cluster::error::JoinError;
use crate::store::lock::LockHolder;
use crate::store::{CloseError, OpenError};

/// Why the stream of a cluster was not examined, or not written again. This data directory has all that it had.
#[derive(Debug, thiserror::Error)]
pub enum ReseedError {
    #[error("{} is in use ({holder}): stop the host there first", path.display())]
    Locked { path: PathBuf, holder: LockHolder },
    #[error("cannot use {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} has no data of a cluster: name the data directory of one of its hosts", path.display())]
    NoData { path: PathBuf },
    #[error(
        "{} has a copy of the cluster that was not loaded to its end: run this on another host", path.display()
    )]
    Loading { path: PathBuf },
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    #[error(transparent)]
    Connect(#[from] JoinError),
    #[error("cannot examine the stream of the cluster")]
    Stream(#[source] StreamError),
    #[error("the stores of this host cannot be opened")]
    Open(#[from] OpenError),
    #[error("cannot store a copy of this host's stores; the stream is unchanged")]
    Copy(#[from] CopyError),
    #[error("the stores have the commits up to {found}, and the journal those up to {number}; the stream is unchanged")]
    OtherNumber { found: u64, number: u64 },
    #[error(
        "the stream has changed meanwhile: a host writes to it again; it is left as it is, so look at the plan again"
    )]
    Changed,
    #[error(
        "the stream was deleted, and may not have been created again: run this again on the same host, and keep its data"
    )]
    Recreate { source: StreamError },
    #[error(
        "the stream is written again, and the stores of this host did not close in order; its next start repairs them"
    )]
    Close(#[from] CloseError),
}
