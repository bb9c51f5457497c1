//! YAML as JSON, and as a type whose fields are all that it may have.

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The documents of a file.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let loaded = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("not YAML: {error}\n{text}"));
    loaded.iter().map(json).collect()
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::from(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(members) => Value::Object(members.iter().map(member).collect::<Map<_, _>>()),
        other => panic!("neither a value, a list nor an object: {other:?}"),
    }
}

fn member((name, value): (&Yaml<'_>, &Yaml<'_>)) -> (String, Value) {
    let Yaml::Value(Scalar::String(name)) = name else { panic!("a name is not a text: {name:?}") };
    (name.to_string(), json(value))
}

/// Reads `value` as a `T`.
///
/// # Errors
///
/// It has a field that `T` does not have, or one of another type: a text that names it.
pub(super) fn strict<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    let mut unknown = Vec::new();
    let read = serde_ignored::deserialize(value, |path| unknown.push(path.to_string()));
    let read: T = read.map_err(|error| error.to_string())?;
    if unknown.is_empty() { Ok(read) } else { Err(format!("unknown: {}", unknown.join(", "))) }
}
