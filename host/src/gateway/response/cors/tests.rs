use super::*;

#[test]
fn only_the_origins_that_are_set_may_read() {
    let check = |origins: &[&str], origin: Option<&'static str>, allowed: Option<&str>, vary: bool| {
        let cors = Cors::new(&origins.iter().map(|origin| (*origin).to_owned()).collect::<Vec<_>>());
        let mut headers = HeaderMap::new();
        cors.answer(origin.map(HeaderValue::from_static).as_ref(), &mut headers);
        let answered = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().expect("ASCII"));
        assert_eq!(answered, allowed, "{origins:?} {origin:?}");
        assert_eq!(headers.contains_key(VARY), vary, "{origins:?} {origin:?}");
    };
    let shop = "https://shop.example.com";
    check(&[], Some(shop), None, false);
    check(&["*"], Some(shop), Some("*"), false);
    check(&["*"], None, Some("*"), false);
    check(&[shop], Some(shop), Some(shop), true);
    check(&[shop], Some("https://evil.example.com"), None, true);
    check(&[shop], Some("null"), None, true);
    check(&[shop], None, None, true);
}
