//! The key of a cached answer in the cache of its service.
//!
//! Invariant: two calls have the same key exactly if their function and arguments are the same, and their caller too if
//! the key names one. The key reveals none of them, because an argument may be a bearer token.

use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::contract::Function;
use crate::names::{Identity, ServiceName};
use crate::value::binary::{put_all, put_text};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::call) struct AnswerKey([u8; 32]);

impl AnswerKey {
    /// The key of a call whose run does not look at its caller.
    pub(in crate::call) fn new(function: &Function, arguments: &[Val]) -> Self {
        let mut bytes = Vec::with_capacity(256);
        put_text(&function.interface, &mut bytes);
        put_text(&function.name.wit, &mut bytes);
        put_all(arguments, &mut bytes);
        Self(Sha256::digest(&bytes).into())
    }

    /// The key of the same call for this caller.
    pub(in crate::call) fn of_caller(self, identity: Option<&Identity>, calling_service: Option<&ServiceName>) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&self.0);
        put_optional(calling_service.map(ServiceName::as_str), &mut bytes);
        bytes.push(u8::from(identity.is_some()));
        if let Some(Identity { id, role, session }) = identity {
            put_text(id, &mut bytes);
            put_text(role, &mut bytes);
            put_optional(session.as_deref(), &mut bytes);
        }
        Self(Sha256::digest(&bytes).into())
    }
}

fn put_optional(text: Option<&str>, bytes: &mut Vec<u8>) {
    bytes.push(u8::from(text.is_some()));
    text.iter().for_each(|text| put_text(text, bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that tells two callers apart is in the key, and texts do not run into each other.
    #[test]
    fn each_caller_has_a_key_of_its_own() {
        let service = ServiceName::parse("cart").expect("a name");
        let identity = |id: &str, role: &str, session: Option<&str>| Identity {
            id: id.into(),
            role: role.into(),
            session: session.map(Into::into),
        };
        let callers = [
            (None, None),
            (None, Some(&service)),
            (Some(identity("a", "bc", None)), None),
            (Some(identity("ab", "c", None)), None),
            (Some(identity("ab", "c", None)), Some(&service)),
            (Some(identity("ab", "c", Some(""))), None),
            (Some(identity("ab", "c", Some("s"))), None),
        ];
        let key = AnswerKey([7; 32]);
        let keys = callers.iter().map(|(identity, service)| key.of_caller(identity.as_ref(), *service));
        let distinct: std::collections::HashSet<_> = keys.chain([key]).collect();
        assert_eq!(distinct.len(), callers.len() + 1);
    }
}
