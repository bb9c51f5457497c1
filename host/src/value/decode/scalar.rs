//! Values that JSON has as one number or string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wasmtime::component::Val;

use crate::value::shape::{CaseShape, Shape};

/// What the integer `number` is for `shape`, if anything.
pub(super) fn whole(shape: &Shape, number: i128) -> Option<Val> {
    match shape {
        Shape::Integer(integer) => integer.value(number),
        #[expect(clippy::cast_precision_loss, reason = "a float is the nearest number to what is written")]
        Shape::F64 => Some(Val::Float64(number as f64)),
        #[expect(clippy::cast_precision_loss, reason = "a float is the nearest number to what is written")]
        Shape::F32 => Some(Val::Float32(number as f32)),
        _ => None,
    }
}

/// What `number`, written with a fraction or exponent or beyond 64 bits, is for `shape`.
pub(super) fn float(shape: &Shape, number: f64) -> Option<Val> {
    match shape {
        Shape::Integer(integer) => integer.value_of_float(number),
        Shape::F64 => Some(Val::Float64(number)),
        #[expect(clippy::cast_possible_truncation, reason = "the JSON reader was asked for a binary32 number")]
        Shape::F32 => Some(Val::Float32(number as f32)),
        _ => None,
    }
}

/// What the string `text` is for `shape`.
pub(in crate::value) fn text(shape: &Shape, text: &str) -> Option<Val> {
    match shape {
        Shape::String => Some(Val::String(text.into())),
        Shape::Integer(integer) if integer.may_be_text() => integer.value_of_text(text),
        Shape::Char => {
            let mut chars = text.chars();
            chars.next().filter(|_| chars.next().is_none()).map(Val::Char)
        }
        Shape::Bytes => {
            let bytes = STANDARD.decode(text).ok()?;
            Some(Val::List(bytes.into_iter().map(Val::U8).collect()))
        }
        Shape::Cases(cases) => match cases.find(text) {
            Some(case @ CaseShape { payload: None, .. }) => Some(cases.value(case, None)),
            _ => None,
        },
        _ => None,
    }
}
