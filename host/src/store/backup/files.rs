//! Copies whole files, and computes their digests, piece by piece.

use std::io;

use sha2::{Digest as _, Sha256};

use super::course::{BrokenOff, Course};
use super::document::BackupFile;
use crate::journal::Disk;
use crate::names::Digest;

/// Bytes of one read.
const PIECE_BYTES: usize = 1 << 20;

/// Why a file was not read to its end.
pub(super) enum Failed {
    Io(io::Error),
    BrokenOff(BrokenOff),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<BrokenOff> for Failed {
    fn from(error: BrokenOff) -> Self {
        Self::BrokenOff(error)
    }
}

/// Reads the file `path` on `disk`, gives its pieces and their offsets to `take`, and returns its description.
pub(super) fn read(
    disk: &dyn Disk,
    path: &str,
    course: &mut Course<'_>,
    mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> Result<BackupFile, Failed> {
    let file = disk.open(path)?;
    let bytes = file.bytes()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let length = usize::try_from(bytes - offset).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let piece = piece.get_mut(..length).unwrap_or_default();
        file.read_at(offset, piece)?;
        hash.update(&*piece);
        take(offset, piece)?;
        offset += length as u64;
        course.done(length as u64)?;
    }
    let hash: [u8; 32] = hash.finalize().into();
    Ok(BackupFile { path: path.into(), bytes, digest: Digest::of_hash(hash) })
}
