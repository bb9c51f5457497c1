//! The digest of an entity, and the first place where two entities differ.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::contract::Type;
use crate::value::{Codec, binary};

/// Bytes of an entity's digest: enough that two entities never have the same by chance.
const DIGEST_BYTES: usize = 16;

/// The digest of an entity's value.
pub(super) fn digest(value: &Val) -> [u8; DIGEST_BYTES] {
    let mut bytes = Vec::new();
    binary::put(value, &mut bytes);
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let (digest, _rest) = hash.split_first_chunk().expect("a hash is longer than a digest");
    *digest
}

/// The first place where `copy` differs from `original`, as a JSON pointer (RFC 6901), and the JSON of both there.
pub(super) fn first_difference(ty: Option<&Type>, original: &Val, copy: &Val) -> (String, String, String) {
    let json = |value: &Val| {
        let mut bytes = Vec::new();
        let encoded = ty.map(|ty| Codec::new(ty).encode(value, &mut bytes));
        encoded.and_then(Result::ok).and_then(|()| serde_json::from_slice(&bytes).ok()).unwrap_or(Json::Null)
    };
    in_json(Some(&json(original)), Some(&json(copy)), "")
        .unwrap_or_else(|| (String::new(), "one value".into(), "another value".into()))
}

fn in_json(original: Option<&Json>, copy: Option<&Json>, path: &str) -> Option<(String, String, String)> {
    match (original, copy) {
        (Some(Json::Object(one)), Some(Json::Object(other))) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                in_json(one.get(name), other.get(name), &path)
            })
        }
        (Some(Json::Array(one)), Some(Json::Array(other))) => (0..one.len().max(other.len()))
            .find_map(|index| in_json(one.get(index), other.get(index), &format!("{path}/{index}"))),
        _ if original == copy => None,
        _ => Some((if path.is_empty() { "/".into() } else { path.into() }, shown(original), shown(copy))),
    }
}

/// A value without its text, which may be a secret or a name.
fn shown(value: Option<&Json>) -> String {
    match value {
        None => "absent".into(),
        Some(Json::String(text)) => format!("a text of {} characters", text.chars().count()),
        Some(Json::Array(items)) => format!("a list of {} items", items.len()),
        Some(Json::Object(members)) => format!("an object of {} members", members.len()),
        Some(plain) => plain.to_string(),
    }
}
