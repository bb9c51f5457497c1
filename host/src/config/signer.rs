//! Signers of components: their ed25519 public keys. A signature allows a component to be one release of one service.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::names::{Digest, ServiceName, checked_text};

/// The type of the key, at the start of its text; other types may follow later.
const KIND: &str = "ed25519:";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a signer as `ed25519:` and the 32 bytes of its public key in base64")]
pub struct SignerError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a signature as its number, `:` and 64 bytes in base64")]
pub struct SignatureError;

/// The public key of a signer of components, written `ed25519:` and base64.
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
    /// Fails unless `text` is `ed25519:` and 32 bytes in base64 with padding.
    pub fn parse(text: &str) -> Result<Self, SignerError> {
        let key = text.strip_prefix(KIND).ok_or(SignerError)?;
        let key = STANDARD.decode(key).map_err(|_| SignerError)?;
        key.try_into().map(Self).map_err(|_| SignerError)
    }

    /// Whether `signature` is this signer's over `release`.
    #[must_use]
    pub fn verify(&self, release: &SignedRelease<'_>, signature: &Signature) -> bool {
        let message = release.message(signature.number);
        UnparsedPublicKey::new(&ED25519, self.0).verify(message.as_bytes(), &signature.bytes).is_ok()
    }
}

checked_text!(Signer, SignerError);

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{KIND}{}", STANDARD.encode(self.0))
    }
}

/// The signature file beside the component at `path`.
#[must_use]
pub fn signature_file(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".sig");
    name.into()
}

/// The release that a signature is for. Each signature of a service has a higher number than the one before.
#[derive(Debug, Clone, Copy)]
pub struct SignedRelease<'a> {
    pub service: &'a ServiceName,
    /// The world with its version, or `wasi:http`.
    pub contract: &'a str,
    pub component: &'a Digest,
}

impl SignedRelease<'_> {
    /// The text to sign. None of its parts can contain a line break.
    #[must_use]
    pub fn message(&self, number: u64) -> String {
        let Self { service, contract, component } = self;
        format!("switchyard release\nservice {service}\ncontract {contract}\nnumber {number}\ncomponent {component}\n")
    }
}

/// An ed25519 signature of a release and its number, written `7:` and base64.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature {
    pub number: u64,
    bytes: [u8; 64],
}

impl Signature {
    #[must_use]
    pub fn new(number: u64, bytes: [u8; 64]) -> Self {
        Self { number, bytes }
    }

    /// # Errors
    ///
    /// Fails unless `text` is a number, `:` and 64 bytes in base64 with padding.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let (number, bytes) = text.split_once(':').ok_or(SignatureError)?;
        let number = number.parse().map_err(|_| SignatureError)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| SignatureError)?;
        Ok(Self { number, bytes: bytes.try_into().map_err(|_| SignatureError)? })
    }
}

checked_text!(Signature, SignatureError);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, STANDARD.encode(self.bytes))
    }
}
