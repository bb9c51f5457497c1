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

#[test]
fn only_its_own_names_call_the_operators_side() {
    let names = ["switchyard.internal".to_owned()];
    let check = |host: &str, expected: bool| {
        let request = hyper::Request::builder().uri("/").header(HOST, host).body(()).expect("a request");
        assert_eq!(is_own_host(&request.into_parts().0, &names), expected, "{host:?}");
    };
    check("127.0.0.1:8081", true);
    check("[::1]:8081", true);
    check("10.1.2.3", true);
    check("LOCALHOST:8081", true);
    check("switchyard.internal", true);
    check("evil.example:8081", false);
    check("127.0.0.1.evil.example", false);
    check("localhost.evil.example", false);
}
