//! JSON for tests: required members, bodies with one fault, times.

use anyhow::Context as _;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The text at a JSON pointer.
///
/// # Errors
///
/// When there is none.
pub fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no text at {pointer} in {value}"))?.to_owned())
}

/// The number at a JSON pointer.
///
/// # Errors
///
/// When there is none.
pub fn number(value: &Value, pointer: &str) -> anyhow::Result<i64> {
    let number = value.pointer(pointer).and_then(Value::as_i64);
    number.with_context(|| format!("no number at {pointer} in {value}"))
}

/// The list at a JSON pointer.
///
/// # Errors
///
/// When there is none.
pub fn list<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a Vec<Value>> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.with_context(|| format!("no list at {pointer} in {value}"))
}

/// A time of RFC 3339 in UTC, written with `Z`.
///
/// # Errors
///
/// When there is none.
pub fn time(value: &Value, pointer: &str) -> anyhow::Result<OffsetDateTime> {
    let text = text(value, pointer)?;
    anyhow::ensure!(text.ends_with('Z'), "{text} is not in UTC");
    OffsetDateTime::parse(&text, &Rfc3339).with_context(|| text)
}

/// The names of an object's members, in order.
#[must_use]
pub fn members(value: &Value) -> String {
    let names: Vec<&str> = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.join(" ")
}

/// `value` with the part at `pointer` replaced, or added as the last member named by `pointer`.
#[must_use]
pub fn with(value: &Value, pointer: &str, part: impl Into<Value>) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(members) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        members.insert(name.to_owned(), part.into());
    }
    value
}

/// `value` without the member at `pointer`.
#[must_use]
pub fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(members) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        members.shift_remove(name);
    }
    value
}
