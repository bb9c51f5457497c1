use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::names::{Digest, ServiceName};

#[test]
fn a_key_is_its_owners_alone_and_signs_as_the_one_that_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("release.key");
    let made = SecretKey::make(&path).expect("a key");
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let read = SecretKey::read(&path).expect("the key");
    assert_eq!(read.signer(), made.signer());
    let (service, component) = (ServiceName::parse("cart").expect("a name"), Digest::of(b"cart"));
    let release = SignedRelease { service: &service, contract: "shop:cart/cart-service@1.0.0", component: &component };
    assert!(made.signer().verify(&release, &read.sign(&release, 7)));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "nothing else is left");
}

#[test]
fn a_key_that_is_there_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("release.key");
    std::fs::write(&path, "dear").expect("a file");
    assert!(matches!(SecretKey::make(&path), Err(SecretKeyError::Write(_))));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), "dear");
    assert!(matches!(SecretKey::read(&path), Err(SecretKeyError::Pem(_))));
}

/// The first key of RFC 8032, 7.1, in OpenSSL's format, and its public half.
#[test]
fn a_key_of_openssl_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("release.key");
    let body = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    std::fs::write(&path, format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")).expect("a key");
    let key = SecretKey::read(&path).expect("the key");
    assert_eq!(key.signer().to_string(), "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}
