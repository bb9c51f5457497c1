use super::*;

#[test]
fn a_segment_is_decoded_or_refused() {
    let check = |segment: &str, text: Option<&str>| {
        assert_eq!(decoded(segment).ok().as_deref(), text, "{segment}");
    };
    check("create-staff", Some("create-staff"));
    check("shop%3Aa%2Fb%401.0.0.f", Some("shop:a/b@1.0.0.f"));
    check("%C3%A4", Some("ä"));
    check("%", None);
    check("%4", None);
    check("%zz", None);
    check("%+1", None);
    check("%FF", None);
}

#[test]
fn a_bearer_token_stands_once() {
    let check = |values: &[&'static str], token: Option<&str>| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header"));
        }
        assert_eq!(bearer(&headers), token.map(str::as_bytes), "{values:?}");
    };
    check(&["Bearer abc"], Some("abc"));
    check(&["bearer abc"], Some("abc"));
    check(&["Basic abc"], None);
    check(&["Bearer"], None);
    check(&["Bearer abc", "Bearer abc"], None);
    check(&[], None);
}
