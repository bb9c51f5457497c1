//! Whether a release is signed as the manifest requires: at a deploy, at the first start of a service, and at a
//! rollback.

use crate::config::{Signature, SignedRelease, Signer};

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("no signature")]
    Missing,
    #[error("a signature by none of them, or for another service, contract, number or component")]
    Wrong,
    #[error("a signature with the number {number}, after one with {newest} was accepted")]
    Old { number: u64, newest: u64 },
}

impl SignatureFault {
    /// The next step for the operator.
    pub(in crate::release) fn advice(self) -> &'static str {
        match self {
            Self::Missing | Self::Wrong => "sign it with `switchyard sign`",
            Self::Old { .. } => "sign it again, or deploy it with `--allow-old-signature`",
        }
    }
}

/// Checks that one of `signers` signed `release`, with a number that is not below `newest`.
pub(in crate::release) fn check_signature(
    signers: &[Signer],
    release: &SignedRelease<'_>,
    signature: Option<&Signature>,
    newest: u64,
) -> Result<(), SignatureFault> {
    let signature = signature.ok_or(SignatureFault::Missing)?;
    if !signers.iter().any(|signer| signer.verify(release, signature)) {
        return Err(SignatureFault::Wrong);
    }
    match signature.number < newest {
        true => Err(SignatureFault::Old { number: signature.number, newest }),
        false => Ok(()),
    }
}
