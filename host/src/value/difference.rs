//! The first place where two values differ, without any text that somebody typed: it may be a secret or a name.

use serde_json::Value as Json;
use wasmtime::component::Val;

use super::encode::encode;
use super::shape::Shape;
use crate::contract::Type;

/// What is shown of a value that is absent.
pub const NOTHING: &str = "nothing";

/// The place as a JSON pointer (RFC 6901), and a description of each value there.
pub type Difference = (String, String, String);

/// The first place where `one` and `other` differ. They are values of the type `ty`, and not equal.
#[must_use]
pub fn first_difference(ty: Option<&Type>, one: Option<&Val>, other: Option<&Val>) -> Difference {
    // JSON does not distinguish some values, such as NaN, but they still differ.
    in_json(Some(&json(ty, one)), Some(&json(ty, other)), String::new())
        .unwrap_or_else(|| (String::new(), "one value".into(), "another value".into()))
}

fn json(ty: Option<&Type>, value: Option<&Val>) -> Json {
    let Some((ty, value)) = ty.zip(value) else { return Json::Null };
    let mut bytes = Vec::new();
    match encode(&Shape::new(ty), value, &mut bytes) {
        Ok(()) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(error) => Json::String(error.to_string()),
    }
}

fn in_json(one: Option<&Json>, other: Option<&Json>, path: String) -> Option<Difference> {
    match (one, other) {
        (Some(Json::Object(first)), Some(Json::Object(second))) => {
            let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                in_json(first.get(name), second.get(name), path)
            })
        }
        (Some(Json::Array(first)), Some(Json::Array(second))) => (0..first.len().max(second.len()))
            .find_map(|index| in_json(first.get(index), second.get(index), format!("{path}/{index}"))),
        _ if one == other => None,
        _ => Some((path, display_value(one), display_value(other))),
    }
}

fn display_value(value: Option<&Json>) -> String {
    match value {
        None => NOTHING.into(),
        Some(Json::String(text)) => format!("a text of {} characters", text.chars().count()),
        Some(Json::Array(items)) => format!("{} items", items.len()),
        Some(Json::Object(members)) => format!("an object of {} members", members.len()),
        Some(plain) => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_of_two_values_has_its_place_and_no_texts() {
        let check = |one: Json, other: Json, expected: Option<(&str, &str, &str)>| {
            let found = in_json(Some(&one), Some(&other), String::new());
            let found = found.as_ref().map(|(path, one, other)| (path.as_str(), one.as_str(), other.as_str()));
            assert_eq!(found, expected, "{one} {other}");
        };
        check(json!({"a": [1, 2]}), json!({"a": [1, 2]}), None);
        check(json!({"a": [1, 2]}), json!({"a": [1, 3]}), Some(("/a/1", "2", "3")));
        check(json!({"a": [1]}), json!({"a": [1, "secret"]}), Some(("/a/1", "nothing", "a text of 6 characters")));
        check(json!({"a/b": null}), json!({}), Some(("/a~1b", "null", "nothing")));
        check(json!({}), json!({"new": {"x": 1}}), Some(("/new", "nothing", "an object of 1 members")));
        check(json!("anna"), json!("anni"), Some(("", "a text of 4 characters", "a text of 4 characters")));
        check(json!([]), json!({}), Some(("", "0 items", "an object of 0 members")));
    }
}
