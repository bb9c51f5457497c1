use super::*;

const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn current() -> Validators {
    Validators { etag: HeaderValue::from_static("\"a\""), modified_s: 784_111_777 }
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[test]
fn a_date_is_written_as_http_has_it() {
    assert_eq!(http_date(784_111_777), Some(HeaderValue::from_static(THEN)));
}

#[test]
fn conditions_are_judged_in_their_order() {
    let check = |lines: &[(&'static str, &'static str)], expected: Conditions| {
        assert_eq!(judge(&headers(lines), &current()), expected, "{lines:?}");
    };
    check(&[], Conditions::Met);
    check(&[("if-none-match", "\"a\"")], Conditions::NotModified);
    check(&[("if-none-match", "\"b\", W/\"a\"")], Conditions::NotModified);
    check(&[("if-none-match", "*")], Conditions::NotModified);
    check(&[("if-none-match", "\"b\"")], Conditions::Met);
    check(&[("if-none-match", "a")], Conditions::Met);
    check(&[("if-modified-since", THEN)], Conditions::NotModified);
    check(&[("if-modified-since", AFTER)], Conditions::NotModified);
    check(&[("if-modified-since", BEFORE)], Conditions::Met);
    check(&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], Conditions::NotModified);
    check(&[("if-modified-since", "Sunday, 06-Nov-94 08:49:36 GMT")], Conditions::Met);
    check(&[("if-modified-since", "Sun Nov  6 08:49:37 1994")], Conditions::NotModified);
    check(&[("if-unmodified-since", "Sun Nov  6 08:49:36 1994")], Conditions::Failed);
    check(&[("if-modified-since", "yesterday")], Conditions::Met);
    check(&[("if-none-match", "\"b\""), ("if-modified-since", AFTER)], Conditions::Met);
    check(&[("if-match", "\"a\"")], Conditions::Met);
    check(&[("if-match", "*")], Conditions::Met);
    check(&[("if-match", "W/\"a\"")], Conditions::Failed);
    check(&[("if-match", "\"b\""), ("if-none-match", "\"a\"")], Conditions::Failed);
    check(&[("if-unmodified-since", BEFORE)], Conditions::Failed);
    check(&[("if-unmodified-since", THEN)], Conditions::Met);
    check(&[("if-match", "\"a\""), ("if-unmodified-since", BEFORE)], Conditions::Met);
}

#[test]
fn a_range_of_another_state_is_not_honoured() {
    let check = |value: &'static str, expected: bool| {
        assert_eq!(range_holds(&headers(&[("if-range", value)]), &current()), expected, "{value:?}");
    };
    assert!(range_holds(&HeaderMap::new(), &current()));
    check("\"a\"", true);
    check("W/\"a\"", false);
    check("\"b\"", false);
    check(THEN, true);
    check(AFTER, false);
    check(BEFORE, false);
    check("", false);
}
