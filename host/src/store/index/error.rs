//! Why an index is not opened, read or written.

use std::path::PathBuf;

use crate::names::ServiceName;

/// Why an index is not opened. Nothing of it was changed.
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

/// An error of redb, boxed: they are large, and rare.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct IndexError(Box<redb::Error>);

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        Self(Box::new(error.into()))
    }
}
