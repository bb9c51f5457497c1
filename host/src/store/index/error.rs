//! Why an index is not opened, read or written.

use std::path::PathBuf;

use crate::names::ServiceName;
use crate::tasks::Panicked;

/// Why an index is not opened. The file is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum IndexOpenError {
    #[error("cannot open {} as an index: restore the data directory from a backup", path.display())]
    Open { path: PathBuf, source: IndexError },
    #[error("cannot make {}", path.display())]
    Create { path: PathBuf, source: IndexError },
    #[error("{} is no index of {service}: put back the file that belongs here", path.display())]
    Foreign { path: PathBuf, service: ServiceName },
    #[error(
        "{} has format {format}, and this version of switchyard reads format {supported} alone: name an empty data directory, \
         or start the version that wrote this one",
        path.display()
    )]
    Format { path: PathBuf, format: u64, supported: u64 },
}

/// Why an index cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Boxed, because errors of redb are large and rare.
    #[error(transparent)]
    Redb(Box<redb::Error>),
    #[error(
        "the entry {key} in {} is damaged: write it again, or restore the data directory from a backup", path.display()
    )]
    Damaged { key: String, path: PathBuf },
    #[error(
        "{} cannot be used any more: restart the host, and if it says so again, restore the data directory from a backup",
        path.display()
    )]
    Panicked { path: PathBuf, source: Panicked },
}

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        Self::Redb(Box::new(error.into()))
    }
}
