//! From JSON to values, in one pass that the type drives: nothing is built that is not part of the value.
//!
//! Invariant: the recursion is as deep as the type, whatever the JSON; memory is counted before it is taken.

mod array;
mod object;
mod scalar;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use wasmtime::component::Val;

use super::error::{Blame, ValueError};
use super::shape::Shape;
use crate::limits::{VALUE_JSON_BYTES_MAX, VALUE_MEMORY_BYTES_MAX};
pub(super) use scalar::text;

/// Reads all of `json` as a value of `shape`.
pub(super) fn decode(shape: &Shape, json: &[u8]) -> Result<Val, ValueError> {
    let mut reading = Reading { blame: Blame::default(), memory_bytes_left: VALUE_MEMORY_BYTES_MAX };
    if json.len() > VALUE_JSON_BYTES_MAX {
        return Err(reading.blame.into_error(|| format!("expected at most {VALUE_JSON_BYTES_MAX} bytes of JSON")));
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    let value = Reader { shape, reading: &mut reading }.deserialize(&mut json);
    value.and_then(|value| json.end().map(|()| value)).map_err(|error| {
        reading.blame.into_error(|| match error.classify() {
            // Only a float of 32 bits is asked for by its type, so only it is refused by the JSON reader.
            Category::Data => format!("expected {}", Shape::F32),
            Category::Syntax | Category::Eof | Category::Io => format!("not JSON: {error}"),
        })
    })
}

/// What goes with the reading of one value: the facts of its error, and what memory it may still take.
struct Reading {
    blame: Blame,
    memory_bytes_left: usize,
}

impl Reading {
    fn refuse<E: Error>(&mut self, detail: impl Into<String>) -> E {
        self.blame.refuse(detail);
        E::custom("refused")
    }

    /// Refuses the member or item `step`.
    fn refuse_at<E: Error>(&mut self, step: impl ToString, detail: impl Into<String>) -> E {
        self.blame.leave(step);
        self.refuse(detail)
    }

    fn take_memory<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        let left = self.memory_bytes_left.checked_sub(bytes);
        self.memory_bytes_left =
            left.ok_or_else(|| self.refuse(format!("expected at most {VALUE_MEMORY_BYTES_MAX} bytes in memory")))?;
        Ok(())
    }
}

/// Reads one value of `shape`.
struct Reader<'a> {
    shape: &'a Shape,
    reading: &'a mut Reading,
}

impl Reader<'_> {
    fn unexpected<E: Error>(self, found: impl fmt::Display) -> E {
        self.reading.refuse(format!("expected {}, found {found}", self.shape))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Val, D::Error> {
        self.reading.take_memory(size_of::<Val>())?;
        match self.shape {
            // Any number would come as a binary64 one, and rounding that once more is not always right.
            Shape::F32 => json.deserialize_f32(self),
            Shape::Option(_) => json.deserialize_option(self),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Val;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shape)
    }

    fn visit_none<E: Error>(self) -> Result<Val, E> {
        Ok(Val::Option(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Val, D::Error> {
        let Shape::Option(inner) = self.shape else { return Err(self.unexpected("something")) };
        let value = Reader { shape: inner, reading: self.reading }.deserialize(json)?;
        Ok(Val::Option(Some(Box::new(value))))
    }

    fn visit_unit<E: Error>(self) -> Result<Val, E> {
        Err(self.unexpected("null"))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Val, E> {
        if matches!(self.shape, Shape::Bool) { Ok(Val::Bool(truth)) } else { Err(self.unexpected(truth)) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Val, E> {
        scalar::whole(self.shape, number.into()).ok_or_else(|| self.unexpected(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Val, E> {
        scalar::whole(self.shape, number.into()).ok_or_else(|| self.unexpected(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Val, E> {
        scalar::float(self.shape, number).ok_or_else(|| self.unexpected(format_args!("{number:e}")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Val, E> {
        let memory_bytes = match self.shape {
            Shape::Bytes => text.len().saturating_mul(size_of::<Val>()),
            _ => text.len(),
        };
        self.reading.take_memory(memory_bytes)?;
        scalar::text(self.shape, text).ok_or_else(|| {
            let found = if self.shape.may_be_text() { "another string" } else { "a string" };
            self.unexpected(found)
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Val, A::Error> {
        array::read(self, items)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Val, A::Error> {
        object::read(self, members)
    }
}
