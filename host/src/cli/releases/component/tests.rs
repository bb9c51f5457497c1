use super::*;

#[test]
fn a_component_brings_the_signature_that_lies_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cart.wasm");
    let read = |signature: Option<&Path>| Component::read(&file, signature);
    assert_eq!(read(None).expect_err("no file").kind, Kind::Usage);

    std::fs::write(&file, "wasm").expect("a file");
    let component = read(None).expect("a component");
    assert_eq!((component.name.as_str(), component.digest), ("cart.wasm", Digest::of(b"wasm")));
    assert_eq!(component.signature, None);

    let signature = Signature::new(7, [7; 64]);
    let beside = folder.path().join("cart.wasm.sig");
    std::fs::write(&beside, format!("{signature}\n")).expect("a signature");
    assert_eq!(read(None).expect("a component").signature, Some(signature));
    assert_eq!(read(Some(&beside)).expect("a component").signature, Some(signature));

    // A requested signature file must exist and be valid.
    assert!(read(Some(&folder.path().join("other.sig"))).is_err());
    std::fs::write(&beside, "no signature").expect("a file");
    let failure = read(None).expect_err("no signature").to_string();
    assert!(failure.contains("cart.wasm.sig holds no signature"), "{failure}");
    assert!(failure.contains("`switchyard sign "), "{failure}");
}
