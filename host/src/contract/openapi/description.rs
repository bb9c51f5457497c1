//! Descriptions from the docs of a contract.

use serde_json::Value as Json;

/// Adds a description to `object`, unless `docs` is empty.
pub(super) fn described(mut object: Json, docs: &str) -> Json {
    if !docs.is_empty() {
        object["description"] = docs.into();
    }
    object
}

/// The first sentence of `docs`, without its full stop.
pub(super) fn first_sentence(docs: &str) -> String {
    let sentence = docs.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let sentence = sentence.split(". ").next().unwrap_or_default();
    sentence.strip_suffix('.').unwrap_or(sentence).to_owned()
}
