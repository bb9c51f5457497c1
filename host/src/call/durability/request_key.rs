//! The identity of a request that its client can repeat.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::names::CallId;
use crate::value::binary::{put_all, put_count, put_text};

/// A client's `Idempotency-Key`, within its scope. It contains only hashes: they reveal neither the key, the caller nor
/// the request, and no secret is derived from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey {
    pub(in crate::call::durability) id: [u8; 16],
    /// Distinguishes this request from others with the same key.
    pub(in crate::call::durability) check: [u8; 16],
    /// The client whose share of kept answers it uses.
    pub(in crate::call::durability) client: u64,
    pub(in crate::call::durability) is_guest: bool,
}

/// The scope of a key.
#[derive(Debug, Clone, Copy)]
pub struct RequestScope<'a> {
    /// The account; empty for a guest.
    pub caller: &'a str,
    /// The client's address. It is a part of a guest's scope alone: two guests that choose the same key must not get
    /// each other's answers. If the path contains a secret of the guest, that secret is used instead, so that a guest
    /// may come back from another address.
    pub client: &'a [u8],
    pub path_has_secret: bool,
    pub method: &'a str,
    pub path: &'a str,
}

impl RequestKey {
    /// `arguments` are the call's arguments: a request with other arguments is a different one.
    #[must_use]
    pub fn new(scope: RequestScope<'_>, key: &str, arguments: &[Val]) -> Self {
        let is_guest = scope.caller.is_empty();
        let mut bytes = Vec::with_capacity(512);
        for text in [scope.caller, scope.method, scope.path, key] {
            put_text(text, &mut bytes);
        }
        if is_guest && !scope.path_has_secret {
            put_count(scope.client.len(), &mut bytes);
            bytes.extend_from_slice(scope.client);
        }
        let id = hash(b"request id", &bytes);
        put_all(arguments, &mut bytes);
        let check = hash(b"check", &bytes);
        let client = if is_guest { hash(b"guest", scope.client) } else { hash(b"account", scope.caller.as_bytes()) };
        let client = client.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        Self { id, check, client, is_guest }
    }

    pub(in crate::call::durability) fn id(&self) -> CallId {
        CallId(self.id)
    }
}

fn hash(purpose: &[u8], bytes: &[u8]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update([u8::try_from(purpose.len()).unwrap_or(u8::MAX)]);
    hash.update(purpose);
    hash.update(bytes);
    let hash: [u8; 32] = hash.finalize().into();
    let (half, _rest) = hash.split_first_chunk().expect("16 is less than 32");
    *half
}

#[cfg(test)]
mod tests;
