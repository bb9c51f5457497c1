use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).expect("a header value"));
    }
    headers
}

#[test]
fn a_token_is_one_bearer_token_of_its_alphabet() {
    let check = |values: &[&str], expected: Result<Option<&str>, ()>| {
        let headers = headers(&values.iter().map(|value| ("authorization", *value)).collect::<Vec<_>>());
        assert_eq!(Head::read(&headers).token().map_err(|_| ()), expected, "{values:?}");
    };
    check(&[], Ok(None));
    check(&["Bearer abc.DEF-1~2+3/4=="], Ok(Some("abc.DEF-1~2+3/4==")));
    check(&["bearer  abc"], Ok(Some("abc")));
    check(&["Bearer"], Err(()));
    check(&["Bearer "], Err(()));
    check(&["Bearer a b"], Err(()));
    check(&["Bearer ab=c"], Err(()));
    check(&["Bearer ==="], Err(()));
    check(&["Basic dXNlcjpwYXNz"], Err(()));
    check(&["Bearer abc", "Bearer abc"], Err(()));
    check(&[&format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX))], Ok(Some(&"a".repeat(TOKEN_BYTES_MAX))));
    check(&[&format!("Bearer {}", "a".repeat(TOKEN_BYTES_MAX + 1))], Err(()));
}

#[test]
fn an_idempotency_key_is_one_short_visible_text() {
    let check = |values: &[&str], good: bool| {
        let headers = headers(&values.iter().map(|value| ("idempotency-key", *value)).collect::<Vec<_>>());
        assert_eq!(Head::read(&headers).idempotency_key().is_ok(), good, "{values:?}");
    };
    check(&[], true);
    check(&["8e03978e-40d5-43dd-bc93-6894a57f9324"], true);
    check(&[&"k".repeat(255)], true);
    check(&[&"k".repeat(256)], false);
    check(&[""], false);
    check(&["a b"], false);
    check(&["a", "a"], false);
}

#[test]
fn json_is_json_whatever_its_parameters() {
    let check = |value: &str, expected: bool| {
        assert_eq!(Head::read(&headers(&[("content-type", value)])).brings_json(), expected, "{value:?}");
    };
    check("application/json", true);
    check("Application/JSON; charset=UTF-8", true);
    check("application/json;charset=\"utf-8\"", true);
    check("application/json; charset=utf8", true);
    check("application/json; charset=latin1", true);
    check("application/json; profile=\"a;b\"; version=2", true);
    check("application/json ;", true);
    check("application/jsonp", false);
    check("text/json", false);
    check("application/x-www-form-urlencoded", false);
    check("", false);
}

#[test]
fn a_request_keeps_its_id_if_that_is_fit() {
    let ids = RequestIds::new().expect("random");
    let id = |value: &str| Head::read(&headers(&[("x-request-id", value)])).request_id(&ids).as_str().to_owned();
    assert_eq!(id("order-7"), "order-7");
    assert_eq!(id("two words").len(), 32);
    assert_eq!(id(&"x".repeat(129)).len(), 32);
    assert_ne!(id(""), id(""));
}

#[test]
fn a_list_over_several_lines_is_one_list() {
    let headers = headers(&[("accept-encoding", "br"), ("accept-encoding", "gzip;q=0.5")]);
    assert_eq!(Head::read(&headers).accept_encoding.as_deref(), Some("br,gzip;q=0.5"));
}
