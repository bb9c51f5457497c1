//! The checksum with each value of an index: what was damaged on the disk is never taken for what was stored.
//!
//! It is of the key too, so that a value under another key than its own is damaged as well.

/// Bytes of the checksum (CRC-32), before those of the value.
pub(super) const CHECKSUM_BYTES: usize = 4;

fn checksum(key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = crc32fast::Hasher::new();
    hash.update(key);
    hash.update(value);
    hash.finalize().to_le_bytes()
}

/// Fills `out`, which is [`CHECKSUM_BYTES`] longer than `value`, with what an index stores for it under `key`.
pub(super) fn encode(key: &[u8], value: &[u8], out: &mut [u8]) {
    if let Some((checksum_out, value_out)) = out.split_first_chunk_mut() {
        *checksum_out = checksum(key, value);
        value_out.copy_from_slice(value);
    }
}

/// The value in what an index has under `key`; nothing when that is damaged.
pub(super) fn decode<'s>(key: &[u8], stored: &'s [u8]) -> Option<&'s [u8]> {
    let (found, value) = stored.split_first_chunk()?;
    (*found == checksum(key, value)).then_some(value)
}
