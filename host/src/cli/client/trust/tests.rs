use super::*;

#[test]
fn a_file_without_a_certificate_is_refused_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let check = |name: &str, content: Option<String>, because: Option<&str>| {
        let file = folder.path().join(name);
        content.into_iter().for_each(|content| std::fs::write(&file, content).expect("a file"));
        let refused = Trust::file(&file).err().map(|failure| (failure.kind, failure.to_string()));
        let Some(because) = because else { return assert_eq!(refused, None, "{name}") };
        let (kind, text) = refused.expect("a refusal");
        assert_eq!(kind, Kind::Usage, "{name}");
        assert!(text.contains(&file.display().to_string()) && text.contains(because), "{name}: {text}");
        assert!(text.ends_with("Name a PEM file of certificates with --ca FILE."), "{name}: {text}");
    };
    check("good.pem", Some(made.cert.pem()), None);
    check("gone.pem", None, Some("No such file"));
    check("empty.pem", Some(String::new()), Some("the file has no certificate"));
    check("key.pem", Some(made.signing_key.serialize_pem()), Some("the file has no certificate"));
    check("cut.pem", made.cert.pem().get(..100).map(str::to_owned), Some("end marker"));
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check("other.pem", Some(no_certificate.to_owned()), Some("invalid"));
}
