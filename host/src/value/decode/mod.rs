//! Decodes JSON into values in one pass that follows the type: it builds nothing that is not part of the value.
//!
//! Invariant: the recursion is as deep as the type, for any JSON; memory is counted before it is allocated.

mod numbers;
mod reader;
mod scalar;

use serde::de::DeserializeSeed as _;
use wasmtime::component::Val;

use super::error::{ErrorContext, ValueError};
use super::shape::Shape;
use crate::limits::{VALUE_JSON_BYTES_MAX, VALUE_MEMORY_BYTES_MAX};
use numbers::Numbers;
use reader::{Reader, Reading};
pub(super) use scalar::text;

/// Reads all of `json` as a value of `shape`.
pub(super) fn decode(shape: &Shape, json: &[u8]) -> Result<Val, ValueError> {
    let mut reading = Reading {
        context: ErrorContext::default(),
        memory_bytes_left: VALUE_MEMORY_BYTES_MAX,
        numbers: Numbers::new(json),
    };
    if json.len() > VALUE_JSON_BYTES_MAX {
        return Err(reading.context.into_error(|| format!("expected at most {VALUE_JSON_BYTES_MAX} bytes of JSON")));
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    let value = Reader { shape, reading: &mut reading }.deserialize(&mut json);
    value
        .and_then(|value| json.end().map(|()| value))
        .map_err(|error| reading.context.into_error(|| format!("not JSON: {error}")))
}
