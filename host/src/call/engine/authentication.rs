//! The answer of `authenticate` as an identity.

use wasmtime::component::Val;

use super::answer::Answer;
use crate::names::{Identity, OPERATOR};

/// Parses the answer of `authenticate`. Its type was checked with the contract: `option<record { id: string, role:
/// string, session: option<string> }>`.
pub(in crate::call) fn identity(answer: Answer) -> Option<Identity> {
    let Answer::Ok(Some(Val::Option(Some(record)))) = answer else { return None };
    let Val::Record(fields) = *record else { return None };
    let (mut id, mut role, mut session) = (None, None, None);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("id", Val::String(text)) => id = Some(text),
            ("role", Val::String(text)) => role = Some(text),
            ("session", Val::Option(Some(text))) => session = text_of(*text),
            _ => {}
        }
    }
    // A component must not turn anybody into the operator.
    let role = role.filter(|role| role != OPERATOR)?;
    Some(Identity { id: id?.into(), role: role.into(), session: session.map(Into::into) })
}

fn text_of(value: Val) -> Option<String> {
    match value {
        Val::String(text) => Some(text),
        _ => None,
    }
}
