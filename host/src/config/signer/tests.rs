use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

fn signed(seed: u8, digest: &Digest) -> (Signer, Signature) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes");
    let key = pair.public_key().as_ref().try_into().expect("32 bytes");
    let signature = pair.sign(digest.bytes()).as_ref().try_into().expect("64 bytes");
    (Signer::from_bytes(key), Signature::from_bytes(signature))
}

#[test]
fn a_signature_is_one_signers_over_one_digest() {
    let (digest, other) = (Digest::of(b"cart"), Digest::of(b"another"));
    let (signer, signature) = signed(1, &digest);
    assert!(signer.verify(&digest, &signature));
    assert!(!signer.verify(&other, &signature));
    assert!(!signed(2, &digest).0.verify(&digest, &signature));
    let mut bent = signature.0;
    bent[63] ^= 1;
    assert!(!signer.verify(&digest, &Signature(bent)));
}

#[test]
fn signers_and_signatures_are_read_as_they_are_written() {
    let (signer, signature) = signed(3, &Digest::of(b"cart"));
    assert_eq!(Signer::parse(&signer.to_string()), Ok(signer));
    assert_eq!(Signature::parse(&signature.to_string()), Ok(signature));
    let key = signer.to_string();
    for wrong in ["", "ed25519:", key.trim_end_matches('='), &key.replace("ed25519", "rsa"), &format!("{key}AAAA")] {
        assert_eq!(Signer::parse(wrong), Err(SignerError), "{wrong:?}");
    }
    for wrong in ["", "AAAA", &format!("{signature}\n"), "no base64"] {
        assert_eq!(Signature::parse(wrong), Err(SignatureError), "{wrong:?}");
    }
}
