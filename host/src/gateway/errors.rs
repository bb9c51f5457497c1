//! Problem documents from the error type of a contract's function: which status, and which members.

use std::sync::Arc;

use hyper::StatusCode;
use wasmtime::component::Val;

use super::problem::{Problem, error_status};
use crate::contract::{Case, Field, Type};
use crate::value::Codec;

/// Members that every problem document has from the host.
const HOST_MEMBERS: [&str; 4] = ["type", "title", "status", "instance"];

/// What the errors of one function look like as problem documents. Made once for the function.
#[derive(Debug)]
pub struct ErrorShape {
    cases: Vec<ErrorCase>,
}

#[derive(Debug)]
struct ErrorCase {
    name: Arc<str>,
    status: StatusCode,
    kind: String,
    title: String,
    /// What is said where the error itself says nothing.
    detail: String,
    members: Vec<Member>,
}

/// One field of the record that a case carries.
#[derive(Debug)]
struct Member {
    name: Arc<str>,
    /// `"declineCode":`
    key: Vec<u8>,
    codec: Codec,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is the document's own `detail`.
    Detail,
    /// It is a member, and the `Retry-After` header.
    RetryAfter,
    /// It is a member where there are any.
    Faults,
    Member,
}

impl ErrorShape {
    /// The shape of `ty`, a variant or an enum; an error of any other type has no status to tell, and is a failure.
    #[must_use]
    pub fn new(ty: &Type) -> Self {
        let cases = match ty {
            Type::Variant(variant) => variant.cases.as_slice(),
            Type::Enum(cases) => cases.cases.as_slice(),
            _ => &[],
        };
        Self { cases: cases.iter().map(ErrorCase::new).collect() }
    }

    /// The problem that `error` is; nothing where it is not of the type, or has no JSON form.
    #[must_use]
    pub fn problem(&self, error: &Val) -> Option<Problem> {
        let (name, payload) = match error {
            Val::Variant(name, payload) => (name, payload.as_deref()),
            Val::Enum(name) => (name, None),
            _ => return None,
        };
        self.cases.iter().find(|case| *case.name == **name)?.problem(payload)
    }
}

impl ErrorCase {
    fn new(case: &Case) -> Self {
        let fields: &[Field] = match &case.ty {
            Some(Type::Record(record)) => &record.fields,
            _ => &[],
        };
        let title = sentence(&case.name);
        let paragraph: Vec<_> = case.docs.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        Self {
            name: Arc::clone(&case.name),
            status: error_status(case.status),
            kind: format!("urn:switchyard:problem:{}", case.name),
            detail: if paragraph.is_empty() { format!("{title}.") } else { paragraph.join(" ") },
            title,
            members: fields.iter().map(Member::new).collect(),
        }
    }

    fn problem(&self, payload: Option<&Val>) -> Option<Problem> {
        let mut detail = self.detail.clone();
        let mut members = Vec::new();
        let mut retry_after = None;
        match payload {
            Some(Val::String(text)) => detail.clone_from(text),
            Some(Val::Record(values)) => {
                for (name, value) in values {
                    let member = self.members.iter().find(|member| *member.name == **name)?;
                    match (member.purpose, value) {
                        (_, Val::Option(None)) => continue,
                        (Purpose::Faults, Val::List(faults)) if faults.is_empty() => continue,
                        (Purpose::Detail, Val::String(text)) => {
                            detail.clone_from(text);
                            continue;
                        }
                        (Purpose::RetryAfter, value) => retry_after = seconds(value),
                        _ => {}
                    }
                    if HOST_MEMBERS.contains(&&*member.name) {
                        continue;
                    }
                    if !members.is_empty() {
                        members.push(b',');
                    }
                    members.extend_from_slice(&member.key);
                    member.codec.encode(value, &mut members).ok()?;
                }
            }
            _ => {}
        }
        let mut problem = Problem::of_kind(self.status, self.kind.clone(), self.title.clone(), detail, members);
        if let Some(seconds) = retry_after {
            problem.retry_after(seconds);
        }
        Some(problem)
    }
}

impl Member {
    fn new(field: &Field) -> Self {
        let mut key = serde_json::to_vec(&*field.name.json).expect("text can be written as JSON");
        key.push(b':');
        let purpose = match &*field.name.wit {
            "detail" if field.ty == Type::String => Purpose::Detail,
            "retry-after-seconds" => Purpose::RetryAfter,
            "errors" => Purpose::Faults,
            _ => Purpose::Member,
        };
        Self { name: Arc::clone(&field.name.wit), key, codec: Codec::new(&field.ty), purpose }
    }
}

fn seconds(value: &Val) -> Option<u64> {
    match value {
        Val::U8(seconds) => Some(u64::from(*seconds)),
        Val::U16(seconds) => Some(u64::from(*seconds)),
        Val::U32(seconds) => Some(u64::from(*seconds)),
        Val::U64(seconds) => Some(*seconds),
        Val::Option(Some(value)) => seconds(value),
        _ => None,
    }
}

/// `not-found` as `Not found`.
fn sentence(case: &str) -> String {
    let mut letters = case.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| if letter == '-' { ' ' } else { letter })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Name, Record, Variant};
    use crate::names::RequestId;

    fn record(fields: &[(&str, Type)]) -> Type {
        let fields =
            fields.iter().map(|(name, ty)| Field { name: Name::new(name), ty: ty.clone(), docs: "".into() }).collect();
        Type::Record(Arc::new(Record { name: "payload".into(), interface: "t:t/t".into(), docs: "".into(), fields }))
    }

    fn shape() -> ErrorShape {
        let option = |ty| Type::Option(Arc::new(ty));
        let fault = record(&[("field", option(Type::String)), ("detail", Type::String)]);
        let case = |name: &str, ty, status, docs: &str| Case {
            name: name.into(),
            ty,
            docs: docs.into(),
            status,
            commits: false,
        };
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
        let fault =
            fields(&[("field", Val::Option(Some(Box::new(text("/email"))))), ("detail", text("is no address"))]);
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
}
