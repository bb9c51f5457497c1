//! Names and ids as checked types: text from outside becomes one of them where it enters the host.

mod checked_text;
mod error;
mod generation;
mod hex;
mod key;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use checked_text::checked_text;
pub use error::NameError;
pub use generation::Generation;
pub(crate) use hex::{hex, unhex};
pub use key::Key;
pub(crate) use key::{KeyRange, component_text, row};

use crate::limits::{FORMAT_NAME_BYTES_MAX, REQUEST_ID_BYTES_MAX, SERVICE_NAME_BYTES_MAX};

/// The name of a service in the manifest.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceName(Arc<str>);

impl ServiceName {
    /// # Errors
    ///
    /// Fails unless `text` is 1 to 40 lowercase letters, digits and inner hyphens and starts with a letter, because it
    /// becomes part of file names, metric labels and URLs.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text == PLATFORM_STORE {
            return Err(NameError::new("service name", text, "is reserved for the host's own store"));
        }
        let rule = "must be 1 to 40 lowercase letters, digits and inner hyphens and start with a letter";
        let allowed = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if !allowed || !starts || text.ends_with('-') || text.len() > SERVICE_NAME_BYTES_MAX {
            return Err(NameError::new("service name", text, rule));
        }
        Ok(Self(text.into()))
    }

    /// The name of the platform's own store. [`ServiceName::parse`] refuses it, so no service can have it.
    #[must_use]
    pub(crate) fn platform() -> Self {
        Self(PLATFORM_STORE.into())
    }

    /// The name of a store, of a service or of the platform. Only the journal and the stores parse names with this
    /// function.
    ///
    /// # Errors
    ///
    /// Like [`ServiceName::parse`], for any other text.
    pub(crate) fn of_store(text: &str) -> Result<Self, NameError> {
        if text == PLATFORM_STORE { Ok(Self::platform()) } else { Self::parse(text) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of the platform's own store.
const PLATFORM_STORE: &str = "@platform";

checked_text!(ServiceName, NameError);

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The author's name for the layout of a component's data.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FormatName(Arc<str>);

impl FormatName {
    /// # Errors
    ///
    /// Unless `text` is 1 to 64 ASCII letters, digits, dots, hyphens, underscores and slashes.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let allowed = text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/".contains(&b));
        if text.is_empty() || !allowed || text.len() > FORMAT_NAME_BYTES_MAX {
            let rule = "must be 1 to 64 ASCII letters, digits, dots, hyphens, underscores and slashes";
            return Err(NameError::new("format", text, rule));
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(FormatName, NameError);

impl fmt::Display for FormatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a component's bytes, written `sha256:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// # Errors
    ///
    /// Fails unless `text` is `sha256:` and 64 lowercase hex digits.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let hex = text.strip_prefix("sha256:").filter(|hex| !hex.bytes().any(|b| b.is_ascii_uppercase()));
        let bytes = hex.and_then(unhex).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| NameError::new("digest", text, "must be `sha256:` and 64 lowercase hex digits"))
    }

    /// The digest of a hash that was computed in pieces.
    #[must_use]
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash itself; signatures sign these bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Only the 64 hex digits, as in file names.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

checked_text!(Digest, NameError);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

/// The id of one request from outside: the client sent it, or the host generated it. The answer, the log and every
/// problem document contain it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// # Errors
    ///
    /// Fails unless `text` is 1 to 128 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > REQUEST_ID_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(NameError::new("request id", text, "must be 1 to 128 visible ASCII characters"));
        }
        Ok(Self(text.into()))
    }

    /// A new id from 128 random bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        // Formatted by hand for speed: every request without an id of its own runs this.
        let mut text = [b'0'; 32];
        for (position, digit) in text.iter_mut().rev().enumerate() {
            let nibble = (bits >> (4 * position)) & 0xf;
            *digit = b"0123456789abcdef".get(nibble as usize).copied().unwrap_or(b'0');
        }
        Self(std::str::from_utf8(&text).expect("hex digits are ASCII").into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of one call: 128 bits, random for a root call, derived for a nested one. Written as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallId(pub [u8; 16]);

impl CallId {
    /// # Errors
    ///
    /// Fails unless `text` is 32 lowercase hex digits.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_written_so = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| is_written_so);
        let bits = bits.ok_or_else(|| NameError::new("call id", text, "must be 32 lowercase hex digits"))?;
        Ok(Self(bits.to_be_bytes()))
    }

    /// The id of the call whose randomness comes from `seed`: as unpredictable as the seed, but it reveals nothing
    /// about it.
    #[must_use]
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"call id");
        hash.update(seed);
        let digest: [u8; 32] = hash.finalize().into();
        let (id, _rest) = digest.split_first_chunk().expect("16 is less than 32");
        Self(*id)
    }
}

checked_text!(CallId, NameError);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The number of a commit in the one order of the journal. The first commit is 1; 0 is "before every commit".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct CommitSeq(pub u64);

/// The account for which a call runs, from the answer of the function with `authenticate`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    pub id: Arc<str>,
    pub role: Arc<str>,
    pub session: Option<Arc<str>>,
}

impl Identity {
    /// The operator, who calls through the admin address. No client token can have this role.
    #[must_use]
    pub fn operator() -> Self {
        Self { id: OPERATOR.into(), role: OPERATOR.into(), session: None }
    }
}

/// 256 random bits that the host draws once and keeps secret. A separate key for each purpose derives from it.
#[derive(Clone, PartialEq, Eq)]
pub struct HostSecret([u8; 32]);

impl HostSecret {
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store, only in the platform's own store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for `purpose`: its HMAC-SHA-256 (RFC 2104). A key reveals nothing about the secret or about other keys.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &self.0);
        let tag = ring::hmac::sign(&key, purpose.as_bytes());
        tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
    }
}

impl fmt::Debug for HostSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostSecret(..)")
    }
}

/// The operator's id and role.
pub const OPERATOR: &str = "operator";

#[cfg(test)]
mod tests;
