//! Copies whole files, and computes their digests, piece by piece.

use std::io;

use sha2::{Digest as _, Sha256};

use super::document::BackupFile;
use super::progress::{Cancelled, ProgressReport};
use crate::journal::{Disk, pieces};
use crate::names::Digest;

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Reads the file `path` on `disk`, gives its pieces and their offsets to `take`, and returns its description.
pub(super) fn read(
    disk: &dyn Disk,
    path: &str,
    progress: &mut ProgressReport<'_>,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> Result<BackupFile, Failed> {
    let file = disk.open(path)?;
    let bytes = file.bytes()?;
    let mut hash = Sha256::new();
    pieces(&*file, |offset, piece| {
        hash.update(piece);
        take(offset, piece)?;
        progress.done(piece.len() as u64)?;
        Ok::<_, Failed>(true)
    })?;
    let hash: [u8; 32] = hash.finalize().into();
    Ok(BackupFile { path: path.into(), bytes, digest: Digest::of_hash(hash) })
}
