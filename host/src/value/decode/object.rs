//! Values that JSON has as an object: records, and cases with a payload.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use wasmtime::component::Val;

use super::{Reader, Reading};
use crate::limits::VALUE_UNKNOWN_NAME_BYTES_MAX;
use crate::value::shape::{Cases, Members, Shape};

pub(super) fn read<'de, A: MapAccess<'de>>(reader: Reader<'_>, members: A) -> Result<Val, A::Error> {
    match reader.shape {
        Shape::Record(fields) => record(fields, reader.reading, members).map(Val::Record),
        Shape::Cases(cases) => reader.case(cases, members),
        _ => Err(reader.unexpected("an object")),
    }
}

/// The fields in the order of their type, in whatever order they come; an option that is absent is none.
fn record<'de, A: MapAccess<'de>>(
    fields: &Members,
    reading: &mut Reading,
    mut members: A,
) -> Result<Vec<(String, Val)>, A::Error> {
    reading.take_memory(fields.memory_bytes)?;
    // No field has an empty name: a slot with one has not been read.
    let mut slots: Vec<_> = fields.fields.iter().map(|_| (String::new(), Val::Option(None))).collect();
    let mut likely = 0;
    while let Some(key) = members.next_key_seed(KeyReader(|name: &str| fields.find(name, likely)))? {
        let place = match key {
            Ok(place) => place,
            Err(Some(unknown)) => return Err(reading.refuse_at(unknown, "unknown member")),
            Err(None) => return Err(reading.refuse("unknown member, of a very long name")),
        };
        let (field, slot) = fields.fields.get(place).zip(slots.get_mut(place)).expect("fields are found by place");
        if !slot.0.is_empty() {
            return Err(reading.refuse_at(&field.name.json, "repeated member"));
        }
        let value = members.next_value_seed(Reader { shape: &field.shape, reading });
        let value = value.inspect_err(|_| reading.blame.leave(&field.name.json))?;
        *slot = (field.name.wit.as_ref().into(), value);
        likely = place + 1;
    }
    for (field, slot) in fields.fields.iter().zip(&mut slots).filter(|(_, slot)| slot.0.is_empty()) {
        if !matches!(field.shape, Shape::Option(_)) {
            return Err(reading.refuse_at(&field.name.json, format!("missing, expected {}", field.shape)));
        }
        slot.0 = field.name.wit.as_ref().into();
    }
    Ok(slots)
}

impl Reader<'_> {
    fn case<'de, A: MapAccess<'de>>(self, cases: &Cases, mut members: A) -> Result<Val, A::Error> {
        let key = members.next_key_seed(KeyReader(|name: &str| cases.find(name)))?;
        let Some(Ok(case)) = key else {
            return Err(self.unexpected("an object without such a member"));
        };
        let Some(shape) = &case.payload else {
            return Err(self.unexpected("an object"));
        };
        let payload = members.next_value_seed(Reader { shape, reading: self.reading });
        let payload = payload.inspect_err(|_| self.reading.blame.leave(&case.name))?;
        match members.next_key::<IgnoredAny>()? {
            Some(_) => Err(self.unexpected("an object with more members")),
            None => Ok(cases.value(case, Some(payload))),
        }
    }
}

/// Reads the name of a member: what the function finds under it, or the name that is unknown unless it is very long.
struct KeyReader<F>(F);

impl<'de, T, F: FnOnce(&str) -> Option<T>> DeserializeSeed<'de> for KeyReader<F> {
    type Value = Result<T, Option<String>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for KeyReader<F> {
    type Value = Result<T, Option<String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.0)(name).ok_or_else(|| (name.len() <= VALUE_UNKNOWN_NAME_BYTES_MAX).then(|| name.into())))
    }
}
