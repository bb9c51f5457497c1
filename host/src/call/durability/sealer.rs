//! Encrypts kept answers, because an answer may contain a secret such as a token.
//!
//! A sealed answer consists of the request's check value, a random nonce, and the answer encrypted with
//! XChaCha20-Poly1305 under a key derived from the host's secret. The id of the key and the check value are associated
//! data. So the disk without the host's secret reveals no answer, and an answer with a changed bit, or in the row of
//! another request, cannot be decrypted.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};

use super::request_key::RequestKey;
use crate::names::HostSecret;

const NONCE_BYTES: usize = 24;

pub(in crate::call::durability) struct Sealer(XChaCha20Poly1305);

/// Why a kept answer cannot be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call::durability) enum NotOpened {
    /// It is the answer to another request with the same key.
    OtherRequest,
    /// It is damaged, or from another host.
    Damaged,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl Sealer {
    pub(in crate::call::durability) fn new(secret: &HostSecret) -> Self {
        Self(XChaCha20Poly1305::new(&secret.derive("kept answers").into()))
    }

    /// # Errors
    ///
    /// When the system provides no randomness.
    pub(in crate::call::durability) fn seal(
        &self,
        key: &RequestKey,
        answer: &[u8],
    ) -> Result<Vec<u8>, getrandom::Error> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: answer, aad: &associated(key, &key.check) };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload).expect("an answer is far below the cipher's limit");
        Ok([key.check.as_slice(), &nonce, &sealed].concat())
    }

    pub(in crate::call::durability) fn open(&self, key: &RequestKey, stored: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let (check, rest) = stored.split_first_chunk::<16>().ok_or(NotOpened::Damaged)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(NotOpened::Damaged)?;
        // Decrypt before the check value is compared: a changed bit in it must not look like another request.
        let payload = Payload { msg: sealed, aad: &associated(key, check) };
        let answer = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| NotOpened::Damaged)?;
        if *check == key.check { Ok(answer) } else { Err(NotOpened::OtherRequest) }
    }
}

fn associated(key: &RequestKey, check: &[u8; 16]) -> Vec<u8> {
    [key.id.as_slice(), check].concat()
}

#[cfg(test)]
mod tests;
