//! The checksum of each value in an index: a value that the disk damaged is never returned.
//!
//! The checksum covers the key too, so that a value under the wrong key is also found.

/// Bytes of the checksum (CRC-32), which precedes the value.
pub(super) const CHECKSUM_BYTES: usize = 4;

fn checksum(key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = crc32fast::Hasher::new();
    hash.update(key);
    hash.update(value);
    hash.finalize().to_le_bytes()
}

/// Fills `out`, which is [`CHECKSUM_BYTES`] longer than `value`, with the stored form of `value` under `key`.
pub(super) fn encode(key: &[u8], value: &[u8], out: &mut [u8]) {
    if let Some((checksum_out, value_out)) = out.split_first_chunk_mut() {
        *checksum_out = checksum(key, value);
        value_out.copy_from_slice(value);
    }
}

/// The value in the stored form under `key`; `None` when it is damaged.
pub(super) fn decode<'s>(key: &[u8], stored: &'s [u8]) -> Option<&'s [u8]> {
    let (found, value) = stored.split_first_chunk()?;
    (*found == checksum(key, value)).then_some(value)
}
