//! Reads a file piece by piece, however large it is.

use std::io;

use super::disk::DiskFile;

/// Bytes of one piece: few system calls, and little memory.
pub(super) const PIECE_BYTES: usize = 1 << 20;

/// Gives the pieces of `file` and their offsets to `take`, until it returns false. Returns whether it never did.
///
/// # Errors
///
/// When the file cannot be read, and those of `take`.
pub(crate) fn pieces<E: From<io::Error>>(
    file: &dyn DiskFile,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, E>,
) -> Result<bool, E> {
    let bytes = file.bytes()?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let length = usize::try_from(bytes - offset).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let piece = piece.get_mut(..length).unwrap_or_default();
        file.read_at(offset, piece)?;
        if !take(offset, piece)? {
            return Ok(false);
        }
        offset += length as u64;
    }
    Ok(true)
}
