use super::*;

#[test]
fn a_host_that_listens_everywhere_is_reached_at_home() {
    let check = |listen: &str, url: &str| assert_eq!(url_of("http", listen.parse().expect("an address")), url);
    check("0.0.0.0:8081", "http://127.0.0.1:8081");
    check("[::]:8081", "http://[::1]:8081");
    check("10.0.0.7:81", "http://10.0.0.7:81");
}

#[test]
fn without_a_token_the_failure_says_where_it_was_looked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(TOKEN_FILE);
    let failure = token(None, &file).expect_err("no token");
    assert_eq!(failure.kind, Kind::Unauthorized);
    let text = failure.to_string();
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(text.contains("start it with `switchyard up`"), "{text}");

    let kept = "ab".repeat(32);
    std::fs::write(&file, format!("{kept}\n")).expect("a token file");
    assert!(token(None, &file).is_ok_and(|token| token.reveal() == kept));
    assert!(token(Some("s".repeat(32)), &file).is_ok_and(|token| token.reveal() == "s".repeat(32)));
    assert!(token(Some("short".into()), &file).is_err());
}

#[test]
fn a_host_has_a_url_of_http_or_https() {
    let check = |url: &str, secret: Option<bool>| {
        let scheme = scheme(url);
        let found = scheme.as_ref().ok().map(|scheme| matches!(scheme, Scheme::Https));
        assert_eq!(found, secret, "{url}");
        let advice = scheme.err().map(|failure| failure.to_string());
        assert!(advice.is_none_or(|text| text.ends_with("Write it as http://ADDRESS:PORT or https://NAME:PORT.")));
    };
    check("http://127.0.0.1:8081", Some(false));
    check("https://switchyard.internal", Some(true));
    check("https://[::1]:8081", Some(true));
    check("HTTPS://localhost:8081", Some(true));
    check("ftp://localhost", None);
    check("https://", None);
    check("https:///services", None);
    check("localhost:8081", None);
    check("127.0.0.1", None);
    check("", None);
}
