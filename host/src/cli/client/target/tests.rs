use super::*;

#[test]
fn a_host_that_listens_everywhere_is_reached_at_home() {
    let check = |listen: &str, url: &str| assert_eq!(url_of(listen.parse().expect("an address")), url);
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
