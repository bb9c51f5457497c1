//! Who may sign components: ed25519 public keys, and signatures by them over the digest of a component.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::names::Digest;

/// The kind of key, as its text begins: there may be others one day.
const KIND: &str = "ed25519:";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signer is written `ed25519:` and the 32 bytes of its public key in base64")]
pub struct SignerError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature is 64 bytes in base64")]
pub struct SignatureError;

/// The public key of one who may sign components, written `ed25519:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signer([u8; 32]);

impl Signer {
    #[must_use]
    pub fn from_bytes(public_key: [u8; 32]) -> Self {
        Self(public_key)
    }

    /// # Errors
    ///
    /// Unless `text` is `ed25519:` and 32 bytes in base64 with padding.
    pub fn parse(text: &str) -> Result<Self, SignerError> {
        let key = text.strip_prefix(KIND).ok_or(SignerError)?;
        let key = STANDARD.decode(key).map_err(|_| SignerError)?;
        key.try_into().map(Self).map_err(|_| SignerError)
    }

    /// Whether `signature` is this signer's over the 32 bytes of `digest`.
    #[must_use]
    pub fn verify(&self, digest: &Digest, signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(digest.bytes(), &signature.0).is_ok()
    }
}

impl TryFrom<String> for Signer {
    type Error = SignerError;

    fn try_from(text: String) -> Result<Self, SignerError> {
        Self::parse(&text)
    }
}

impl From<Signer> for String {
    fn from(signer: Signer) -> Self {
        signer.to_string()
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KIND}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An ed25519 signature over a digest, written in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    #[must_use]
    pub fn from_bytes(signature: [u8; 64]) -> Self {
        Self(signature)
    }

    /// # Errors
    ///
    /// Unless `text` is 64 bytes in base64 with padding.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let signature = STANDARD.decode(text).map_err(|_| SignatureError)?;
        signature.try_into().map(Self).map_err(|_| SignatureError)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
