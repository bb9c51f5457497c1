//! The secret half of a signing key: a PKCS #8 PEM file, like those of `openssl genpkey -algorithm ed25519`.

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{Signature, SignedRelease, Signer};

/// The bytes of PKCS #8 before the 32 bytes of an ed25519 key.
const PKCS8_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Why the signing key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum SecretKeyError {
    #[error("not a PEM file with a private key")]
    Pem(#[from] rustls::pki_types::pem::Error),
    #[error("not an ed25519 key")]
    Kind,
    #[error("the system provides no random numbers")]
    Randomness(#[from] getrandom::Error),
    #[error("the file cannot be written")]
    Write(#[from] std::io::Error),
}

pub(in crate::cli) struct SecretKey(Ed25519KeyPair);

impl SecretKey {
    /// Creates a key and writes it to `path`, a new file that only its owner can read.
    ///
    /// # Errors
    ///
    /// [`SecretKeyError`]; an existing file stays unchanged.
    pub(in crate::cli) fn make(path: &Path) -> Result<Self, SecretKeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| SecretKeyError::Kind)?;
        let body = STANDARD.encode([PKCS8_HEAD.as_slice(), seed.as_slice()].concat());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The file appears complete or not at all, and is created with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----")?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(Self(key))
    }

    pub(in crate::cli) fn read(path: &Path) -> Result<Self, SecretKeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_file(path)?;
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        key.map(Self).map_err(|_| SecretKeyError::Kind)
    }

    /// The public half.
    pub(in crate::cli) fn signer(&self) -> Signer {
        Signer::from_bytes(self.0.public_key().as_ref().try_into().expect("an ed25519 key is 32 bytes"))
    }

    pub(in crate::cli) fn sign(&self, release: &SignedRelease<'_>, number: u64) -> Signature {
        let signature = self.0.sign(release.message(number).as_bytes());
        Signature::new(number, signature.as_ref().try_into().expect("an ed25519 signature is 64 bytes"))
    }
}
