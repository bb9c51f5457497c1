//! Values: translates between the JSON of clients and component-model values.
//!
//! A [`Codec`] is built once for each type; `docs/json.md` shows the JSON form of each type.

pub mod binary;
mod decode;
mod difference;
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

pub use difference::{
    Difference, DifferentPlace, NOTHING, different_places, first_difference, first_visible_difference, opaque_texts,
};
pub use error::ValueError;

/// Reads and writes the values of one type.
#[derive(Debug)]
pub struct Codec(Shape);

impl Codec {
    #[must_use]
    pub fn new(ty: &Type) -> Self {
        Self(Shape::new(ty))
    }

    /// Reads all of `json` as one value. Unknown, missing and repeated members are errors.
    ///
    /// # Errors
    ///
    /// [`ValueError`], with a pointer to the first mistake.
    pub fn decode(&self, json: &[u8]) -> Result<Val, ValueError> {
        decode::decode(&self.0, json)
    }

    /// Reads `text`, an already percent-decoded path segment or query value. It may be a string, character, number,
    /// boolean, case without payload or base64, all without quotes, or a present option of one of these.
    ///
    /// # Errors
    ///
    /// [`ValueError`] with an empty pointer. For any other type, every text is an error.
    pub fn decode_text(&self, text: &str) -> Result<Val, ValueError> {
        text::decode_text(&self.0, text)
    }

    /// Appends the JSON of `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if `value` has another type or a float that is not finite, or if its JSON would be longer than
    /// [`VALUE_JSON_BYTES_MAX`](crate::limits::VALUE_JSON_BYTES_MAX); `out` is then unchanged.
    pub fn encode(&self, value: &Val, out: &mut Vec<u8>) -> Result<(), ValueError> {
        encode::encode(&self.0, value, out)
    }
}

/// Reads and writes all parameters of a function as one JSON object; optional ones may be absent.
#[derive(Debug)]
pub struct Parameters(Shape);

impl Parameters {
    #[must_use]
    pub fn new(parameters: &[Field]) -> Self {
        Self(Shape::Record(Members::new(parameters)))
    }

    /// Reads all of `json`, and returns the arguments in the order of the parameters.
    ///
    /// # Errors
    ///
    /// Like [`Codec::decode`].
    pub fn decode(&self, json: &[u8]) -> Result<Vec<Val>, ValueError> {
        match decode::decode(&self.0, json)? {
            Val::Record(members) => Ok(members.into_iter().map(|(_, value)| value).collect()),
            _ => unreachable!("a record is read as one"),
        }
    }

    /// Appends an object of `arguments`, which are in the order of the parameters, to `out`.
    ///
    /// # Errors
    ///
    /// Like [`Codec::encode`], and if there are too few or too many arguments.
    pub fn encode(&self, arguments: &[Val], out: &mut Vec<u8>) -> Result<(), ValueError> {
        match &self.0 {
            Shape::Record(members) => encode::encode_members(&members.fields, arguments, out),
            _ => unreachable!("parameters are members"),
        }
    }
}
