use super::*;

#[test]
fn a_grant_has_one_text_however_it_is_written() {
    let check = |text: &str, written: Option<&str>| {
        let parsed = Grant::parse(text);
        assert_eq!(parsed.as_ref().ok().map(Grant::to_string).as_deref(), written, "{text}");
        if let Ok(grant) = parsed {
            assert_eq!(Grant::parse(&grant.to_string()), Ok(grant));
        }
    };
    check("api.example.com", Some("api.example.com"));
    check("API.Example.COM.", Some("api.example.com"));
    check("api.example.com:8443", Some("api.example.com:8443"));
    check("127.0.0.1:9000", Some("127.0.0.1:9000"));
    check("[::1]:9000", Some("[::1]:9000"));
    check("[0:0:0:0:0:0:0:1]", Some("[::1]"));
    check("[::ffff:10.0.0.1]", Some("10.0.0.1"));
    check("10.0.0.0/8", Some("10.0.0.0/8"));
    check("10.1.2.3/8", Some("10.0.0.0/8"));
    check("fd00::/8", Some("fd00::/8"));
    for wrong in
        ["", ".", "https://api.example.com", "api.example.com/path", "user@api.example.com", "a b", "10.0.0.0/40"]
    {
        check(wrong, None);
    }
}

#[test]
fn an_interface_is_no_host_and_the_error_says_what_is() {
    let error = Grant::parse("wasi:http/outgoing-handler@0.2.3").expect_err("an interface").to_string();
    assert!(error.contains("it is an interface; grant a host") && error.contains("http disabled"), "{error}");
}
