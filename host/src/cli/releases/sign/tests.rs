use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::parsed;
use crate::config::{Signature, Signer};
use crate::names::Digest;

fn run_line(line: &str) -> Outcome {
    let Command::Sign(command) = parsed(line) else { panic!("{line}") };
    run(&command)
}

#[test]
fn a_component_is_signed_beside_its_file_for_who_has_the_public_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (key, file) = (place("release.key"), place("cart.wasm"));
    let printed = run_line(&format!("switchyard sign --new-key {key}")).expect("a key");
    let signer = Signer::parse(&printed).expect("a line for the manifest");

    std::fs::write(&file, "wasm").expect("a component");
    let digest = Digest::of(b"wasm");
    let contract = "shop:cart/cart-service@2.0.0";
    let sign = format!("switchyard sign {file} --key {key} --service cart --number 7 --contract {contract}");
    let said = format!("{file}.sig: {digest} for cart ({contract}), number 7, signed by {signer}");
    for _again in 0..2 {
        assert_eq!(run_line(&sign).expect("signed"), said);
    }
    let written = std::fs::read_to_string(place("cart.wasm.sig")).expect("the signature");
    let signature = Signature::parse(written.trim()).expect("a signature");
    let service = ServiceName::parse("cart").expect("a name");
    assert!(signer.verify(&SignedRelease { service: &service, contract, component: &digest }, &signature));
    // Without a contract and a number: the manifest's contract with its version, and the time.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let from_manifest = format!("switchyard sign {file} --key {key} --service cart --manifest {root}/switchyard.toml");
    assert!(run_line(&from_manifest).expect("signed").contains(&format!("for cart ({contract}), number 1")));
    // A rebuilt component can be signed again.
    std::fs::write(place("cart.wasm.sig"), "of another time").expect("a file");
    assert!(run_line(&sign).is_ok());
}

#[test]
fn what_cannot_be_signed_or_made_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(place("there"), "no key").expect("a file");
    let check = |line: String, said: &str| {
        let failure = run_line(&line).expect_err("a failure");
        assert_eq!(failure.kind, Kind::Usage);
        assert!(failure.to_string().contains(said), "{failure}");
    };
    check(format!("switchyard sign --new-key {}", place("there")), "The file stays as it is: name a new one.");
    check(format!("switchyard sign {} --key {} --service cart", place("none"), place("there")), "cannot read");
    check(format!("switchyard sign {0} --key {0} --service cart", place("there")), "is no key to sign with");
}
