//! Problem documents from the error type of a contract's function: the status and the members.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::StatusCode;
use wasmtime::component::Val;

use super::problem::Problem;
use super::status::error_status;
use crate::contract::{Case, Field, Type};
use crate::value::Codec;

/// Members that every problem document has from the host.
const HOST_MEMBERS: [&str; 4] = ["type", "title", "status", "instance"];

/// How the errors of one function become problem documents, built once for the function.
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
    /// The text if the error itself has none.
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
    /// The document's own `detail`.
    Detail,
    /// A member, and the `Retry-After` header.
    RetryAfter,
    /// A member that is left out if its list is empty.
    Faults,
    Member,
}

impl ErrorShape {
    /// The shape of `ty`, a variant or an enum; an error of any other type has no status, and counts as a failure.
    #[must_use]
    pub fn new(ty: &Type) -> Self {
        let cases = match ty {
            Type::Variant(variant) => variant.cases.as_slice(),
            Type::Enum(cases) => cases.cases.as_slice(),
            _ => &[],
        };
        Self { cases: cases.iter().map(ErrorCase::new).collect() }
    }

    /// The problem for `error`; `None` if it is not of the type, or has no JSON form.
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
