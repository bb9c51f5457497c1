//! The digest of an entity.

use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::value::binary;

/// Bytes of an entity's digest: enough that two entities never have the same by chance.
const DIGEST_BYTES: usize = 16;

/// The digest of an entity's value.
pub(super) fn digest(value: &Val) -> [u8; DIGEST_BYTES] {
    let mut bytes = Vec::new();
    binary::put(value, &mut bytes);
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let (digest, _rest) = hash.split_first_chunk().expect("a hash is longer than a digest");
    *digest
}
