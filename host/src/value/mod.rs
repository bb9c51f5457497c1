//! Values: between JSON, as clients have it, and component values, as components have it.
//!
//! A [`Codec`] is made once for a type; the form that each type has in JSON is in `docs/json.md`.

pub mod binary;
mod decode;
mod encode;
mod error;
mod integer;
mod shape;
mod text;

#[cfg(test)]
mod tests;

use wasmtime::component::Val;

use self::shape::{Members, Shape};
use crate::contract::{Field, Type};

pub use error::ValueError;

/// Reads and writes the values of one type.
#[derive(Debug)]
pub struct Codec(Shape);

impl Codec {
    #[must_use]
    pub fn new(ty: &Type) -> Self {
        Self(Shape::new(ty))
    }

    /// Reads all of `json` as one value. Unknown, missing and repeated members are refused.
    ///
    /// # Errors
    ///
    /// [`ValueError`], with a pointer to the first thing that is wrong.
    pub fn decode(&self, json: &[u8]) -> Result<Val, ValueError> {
        decode::decode(&self.0, json)
    }

    /// Reads `text`, which is a path segment or a query value, percent-decoded already: a string, character, number,
    /// boolean, case without payload or base64, none of them in quotes, or an option of one, which is then there.
    ///
    /// # Errors
    ///
    /// [`ValueError`] with an empty pointer; every text is one for a type that is none of these.
    pub fn decode_text(&self, text: &str) -> Result<Val, ValueError> {
        text::decode_text(&self.0, text)
    }

    /// Appends the JSON of `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when `value` is not of the type, has a float that is not finite, or would be longer than
    /// [`VALUE_JSON_BYTES_MAX`](crate::limits::VALUE_JSON_BYTES_MAX); `out` is then as it was.
    pub fn encode(&self, value: &Val, out: &mut Vec<u8>) -> Result<(), ValueError> {
        encode::encode(&self.0, value, out)
    }
}

/// Reads and writes all parameters of a function as one JSON object; one that is an option may be absent.
#[derive(Debug)]
pub struct Parameters(Shape);

impl Parameters {
    #[must_use]
    pub fn new(parameters: &[Field]) -> Self {
        Self(Shape::Record(Members::new(parameters)))
    }

    /// Reads all of `json`: the arguments in the order of the parameters.
    ///
    /// # Errors
    ///
    /// As [`Codec::decode`].
    pub fn decode(&self, json: &[u8]) -> Result<Vec<Val>, ValueError> {
        match decode::decode(&self.0, json)? {
            Val::Record(members) => Ok(members.into_iter().map(|(_, value)| value).collect()),
            _ => unreachable!("a record is read as one"),
        }
    }

    /// Appends an object of `arguments`, which stand in the order of the parameters, to `out`.
    ///
    /// # Errors
    ///
    /// As [`Codec::encode`], also when there are too few or too many.
    pub fn encode(&self, arguments: &[Val], out: &mut Vec<u8>) -> Result<(), ValueError> {
        match &self.0 {
            Shape::Record(members) => encode::encode_members(&members.fields, arguments, out),
            _ => unreachable!("parameters are members"),
        }
    }
}
