use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const CONTRACT: &str = "shop:cart/cart-service@1.0.0";

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

fn signed(seed: u8, release: &SignedRelease<'_>, number: u64) -> (Signer, Signature) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes");
    let key = pair.public_key().as_ref().try_into().expect("32 bytes");
    let bytes = pair.sign(release.message(number).as_bytes()).as_ref().try_into().expect("64 bytes");
    (Signer::from_bytes(key), Signature::new(number, bytes))
}

#[test]
fn a_signature_is_one_signers_over_service_contract_number_and_component() {
    let (service, other, component) = (name("cart"), name("payment"), Digest::of(b"cart"));
    let release = SignedRelease { service: &service, contract: CONTRACT, component: &component };
    let (signer, signature) = signed(1, &release, 7);
    assert!(signer.verify(&release, &signature));
    assert!(!signed(2, &release, 7).0.verify(&release, &signature));
    assert!(!signer.verify(&SignedRelease { service: &other, ..release }, &signature));
    assert!(!signer.verify(&SignedRelease { contract: "shop:cart/cart-service@1.0.1", ..release }, &signature));
    assert!(!signer.verify(&SignedRelease { component: &Digest::of(b"another"), ..release }, &signature));
    assert!(!signer.verify(&release, &Signature { number: 8, ..signature }));
    let mut bent = signature.bytes;
    bent[63] ^= 1;
    assert!(!signer.verify(&release, &Signature { bytes: bent, ..signature }));
}

#[test]
fn signers_and_signatures_are_read_as_they_are_written() {
    let (service, component) = (name("cart"), Digest::of(b"cart"));
    let release = SignedRelease { service: &service, contract: CONTRACT, component: &component };
    let (signer, signature) = signed(3, &release, 1_800_000_000);
    assert_eq!(Signer::parse(&signer.to_string()), Ok(signer));
    assert_eq!(Signature::parse(&signature.to_string()), Ok(signature));
    let key = signer.to_string();
    for wrong in ["", "ed25519:", key.trim_end_matches('='), &key.replace("ed25519", "rsa"), &format!("{key}AAAA")] {
        assert_eq!(Signer::parse(wrong), Err(SignerError), "{wrong:?}");
    }
    let bytes = signature.to_string().replace("1800000000:", "");
    for wrong in ["", "7", "7:", "7:AAAA", &bytes, &format!("-1:{bytes}"), &format!("{signature}\n")] {
        assert_eq!(Signature::parse(wrong), Err(SignatureError), "{wrong:?}");
    }
}
