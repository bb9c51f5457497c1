use super::*;
use crate::contract::{Name, Record, Variant};
use crate::names::RequestId;

fn record(fields: &[(&str, Type)]) -> Type {
    let fields = fields.iter().map(|(name, ty)| Field::new(Name::new(name), ty.clone())).collect();
    Type::Record(Arc::new(Record { name: "payload".into(), interface: "t:t/t".into(), docs: "".into(), fields }))
}

fn shape() -> ErrorShape {
    let option = |ty| Type::Option(Arc::new(ty));
    let fault = record(&[("field", option(Type::String)), ("detail", Type::String)]);
    let case =
        |name: &str, ty, status, docs: &str| Case { name: name.into(), ty, docs: docs.into(), status, commits: false };
    let faults = record(&[("detail", Type::String), ("errors", Type::List(Arc::new(fault)))]);
    let slowed = record(&[("retry-after-seconds", Type::U32), ("status", Type::U8)]);
    let cases = vec![
        case("not-found", Some(Type::String), Some(404), ""),
        case("invalid", Some(faults), Some(422), ""),
        case("slowed", Some(slowed), Some(429), "Too many\nattempts.\n\nMore."),
        case("unavailable", None, Some(503), ""),
        case("unauthenticated", Some(Type::String), Some(401), ""),
        case("odd", None, Some(200), ""),
    ];
    let variant = Variant { name: "problem".into(), interface: "t:t/t".into(), docs: "".into(), cases };
    ErrorShape::new(&Type::Variant(Arc::new(variant)))
}

fn check(case: &str, payload: Option<Val>, header: Option<(&str, &str)>, json: &str) {
    let request = RequestId::parse("r-1").expect("an id");
    let error = Val::Variant(case.into(), payload.map(Box::new));
    let response = shape().problem(&error).expect("a case of the type").into_response(&request);
    let body = response.body().bytes().expect("a document is there at once");
    assert_eq!(std::str::from_utf8(body).expect("JSON is UTF-8"), json);
    for name in ["retry-after", "www-authenticate"] {
        let expected = header.filter(|(expected, _)| *expected == name).map(|(_, value)| value);
        assert_eq!(response.headers().get(name).map(|value| value.to_str().expect("ASCII")), expected, "{case}");
    }
}

#[test]
fn an_error_case_is_a_problem_document() {
    let text = |text: &str| Val::String(text.into());
    let fields = |fields: &[(&str, Val)]| {
        Val::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    check(
        "not-found",
        Some(text("There is no item TEA.")),
        None,
        r#"{"type":"urn:switchyard:problem:not-found","title":"Not found","status":404,"detail":"There is no item TEA.","instance":"r-1"}"#,
    );
    let fault = fields(&[("field", Val::Option(Some(Box::new(text("/email"))))), ("detail", text("is no address"))]);
    let other = fields(&[("field", Val::Option(None)), ("detail", text("is odd"))]);
    check(
        "invalid",
        Some(fields(&[("detail", text("Refused.")), ("errors", Val::List(vec![fault, other]))])),
        None,
        r#"{"type":"urn:switchyard:problem:invalid","title":"Invalid","status":422,"detail":"Refused.","instance":"r-1","errors":[{"field":"/email","detail":"is no address"},{"detail":"is odd"}]}"#,
    );
    check(
        "invalid",
        Some(fields(&[("detail", text("Refused.")), ("errors", Val::List(Vec::new()))])),
        None,
        r#"{"type":"urn:switchyard:problem:invalid","title":"Invalid","status":422,"detail":"Refused.","instance":"r-1"}"#,
    );
    check(
        "slowed",
        Some(fields(&[("retry-after-seconds", Val::U32(30)), ("status", Val::U8(1))])),
        Some(("retry-after", "30")),
        r#"{"type":"urn:switchyard:problem:slowed","title":"Slowed","status":429,"detail":"Too many attempts.","instance":"r-1","retryAfterSeconds":30}"#,
    );
    check(
        "unavailable",
        None,
        Some(("retry-after", "1")),
        r#"{"type":"urn:switchyard:problem:unavailable","title":"Unavailable","status":503,"detail":"Unavailable.","instance":"r-1"}"#,
    );
    check(
        "unauthenticated",
        Some(text("Sign in.")),
        Some(("www-authenticate", "Bearer")),
        r#"{"type":"urn:switchyard:problem:unauthenticated","title":"Unauthenticated","status":401,"detail":"Sign in.","instance":"r-1"}"#,
    );
    check(
        "odd",
        None,
        None,
        r#"{"type":"urn:switchyard:problem:odd","title":"Odd","status":500,"detail":"Odd.","instance":"r-1"}"#,
    );
}

#[test]
fn what_is_no_case_of_the_type_is_no_problem() {
    assert!(shape().problem(&Val::Variant("other".into(), None)).is_none());
    assert!(shape().problem(&Val::Bool(true)).is_none());
    assert!(ErrorShape::new(&Type::String).problem(&Val::String("secret".into())).is_none());
}
