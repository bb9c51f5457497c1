//! Values as plain text without quotes: in a path or a query.

use wasmtime::component::Val;

use super::decode;
use super::error::ValueError;
use super::shape::Shape;

/// Reads `text`, which is already percent-decoded. A present option is never none.
pub(super) fn decode_text(shape: &Shape, text: &str) -> Result<Val, ValueError> {
    value(shape, text).ok_or_else(|| ValueError {
        pointer: String::new(),
        detail: match shape {
            Shape::Option(inner) => format!("expected {}", inner),
            shape => format!("expected {shape}"),
        },
    })
}

fn value(shape: &Shape, text: &str) -> Option<Val> {
    match shape {
        Shape::Bool | Shape::F32 | Shape::F64 if text.starts_with(is_json_space) || text.ends_with(is_json_space) => {
            None
        }
        // These must be written as in JSON, which has neither `+1` nor `inf`.
        Shape::Bool | Shape::F32 | Shape::F64 => decode::decode(shape, text.as_bytes()).ok(),
        Shape::Integer(integer) => integer.value_of_text(text),
        Shape::Option(inner) => Some(Val::Option(Some(Box::new(value(inner, text)?)))),
        shape => decode::text(shape, text),
    }
}

fn is_json_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}
