use super::*;

#[test]
fn a_tag_differs_by_body_and_by_coding_and_is_known_in_each_form() {
    let (tag, other) = (of(b"{}"), of(b"[]"));
    assert_ne!(tag, other);
    let text = |tag: &Bytes| std::str::from_utf8(tag).expect("text").trim_matches('"').to_owned();
    let check = |listed: &'static str, known_as: Option<&str>| {
        let mut request = HeaderMap::new();
        let listed = listed.replace("TAG", &text(&tag)).replace("OTHER", &text(&other));
        request.insert(IF_NONE_MATCH, HeaderValue::from_str(&listed).expect("a header"));
        let found = known(&tag, &request);
        let found = found.as_ref().map(|value| value.to_str().expect("text").replace(&text(&tag), "TAG"));
        assert_eq!(found.as_deref(), known_as, "{listed}");
    };
    check("\"TAG\"", Some("\"TAG\""));
    check("W/\"TAG\"", Some("\"TAG\""));
    check("\"OTHER\", \"TAG-gzip\"", Some("\"TAG-gzip\""));
    check("\"TAG-zstd\"", Some("\"TAG-zstd\""));
    check("*", Some("\"TAG\""));
    check("\"OTHER\"", None);
    check("\"TAG-br\"", None);
    assert_eq!(known(&tag, &HeaderMap::new()), None);
}
