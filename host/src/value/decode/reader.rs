//! Reads one value: the recursion over its type.

use std::{fmt, iter};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use wasmtime::component::Val;

use super::numbers::Numbers;
use super::scalar;
use crate::contract::Name;
use crate::limits::{VALUE_MEMORY_BYTES_MAX, VALUE_UNKNOWN_NAME_BYTES_MAX};
use crate::value::error::ErrorContext;
use crate::value::shape::{Cases, Members, Shape};

/// The state of reading one value: the facts of its error, and the memory that it may still use.
pub(super) struct Reading<'j> {
    pub(super) context: ErrorContext,
    pub(super) memory_bytes_left: usize,
    pub(super) numbers: Numbers<'j>,
}

impl Reading<'_> {
    fn refuse<E: Error>(&mut self, detail: impl Into<String>) -> E {
        self.context.refuse(detail);
        E::custom("refused")
    }

    /// Reports an error at the member or item `step`.
    fn refuse_at<E: Error>(&mut self, step: impl ToString, detail: impl Into<String>) -> E {
        self.context.leave(step);
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
pub(super) struct Reader<'a, 'j> {
    pub(super) shape: &'a Shape,
    pub(super) reading: &'a mut Reading<'j>,
}

impl Reader<'_, '_> {
    fn unexpected<E: Error>(self, found: impl fmt::Display) -> E {
        self.reading.refuse(format!("expected {}, found {found}", self.shape))
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = Val;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Val, D::Error> {
        self.reading.take_memory(size_of::<Val>())?;
        match self.shape {
            Shape::Option(_) => json.deserialize_option(self),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
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
        self.reading.numbers.skip();
        scalar::whole(self.shape, number.into()).ok_or_else(|| self.unexpected(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Val, E> {
        self.reading.numbers.skip();
        scalar::whole(self.shape, number.into()).ok_or_else(|| self.unexpected(number))
    }

    /// The given float is already rounded to 64 bits: the source text counts instead.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Val, E> {
        let read = self.reading.numbers.current().and_then(|digits| scalar::number(self.shape, digits));
        read.ok_or_else(|| self.unexpected(format_args!("{number:e}")))
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
        read_array(self, items)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Val, A::Error> {
        read_object(self, members)
    }
}

// JSON arrays hold lists, tuples and flags.

fn read_array<'de, A: SeqAccess<'de>>(mut reader: Reader<'_, '_>, mut items: A) -> Result<Val, A::Error> {
    match reader.shape {
        Shape::List(item) => reader.items(&mut items, iter::repeat(&**item)).map(Val::List),
        Shape::FixedList(item, length) => {
            let values = reader.items(&mut items, iter::repeat_n(&**item, *length))?;
            reader.all(items, values, *length).map(Val::FixedLengthList)
        }
        Shape::Tuple(shapes) => {
            let values = reader.items(&mut items, shapes.iter())?;
            reader.all(items, values, shapes.len()).map(Val::Tuple)
        }
        Shape::Flags(names) => reader.flags(items, names),
        _ => Err(reader.unexpected("an array")),
    }
}

impl Reader<'_, '_> {
    /// Reads the items, at most one for each of `shapes`.
    fn items<'s, 'de, A: SeqAccess<'de>>(
        &mut self,
        items: &mut A,
        shapes: impl Iterator<Item = &'s Shape>,
    ) -> Result<Vec<Val>, A::Error> {
        let mut values = Vec::new();
        for shape in shapes {
            let read = items.next_element_seed(Reader { shape, reading: self.reading });
            match read.inspect_err(|_| self.reading.context.leave(values.len()))? {
                Some(value) => values.push(value),
                None => break,
            }
        }
        Ok(values)
    }

    /// Returns `values` if there are exactly `count` and nothing is left in `items`.
    fn all<'de, A: SeqAccess<'de>>(self, mut items: A, values: Vec<Val>, count: usize) -> Result<Vec<Val>, A::Error> {
        if values.len() < count {
            return Err(self.unexpected(format_args!("only {}", values.len())));
        }
        match items.next_element::<IgnoredAny>()? {
            Some(_) => Err(self.unexpected("more")),
            None => Ok(values),
        }
    }

    /// Returns the flags in the order of their type; the input may have any order.
    fn flags<'de, A: SeqAccess<'de>>(mut self, mut items: A, names: &[Name]) -> Result<Val, A::Error> {
        let mut set = vec![false; names.len()];
        for (position, item) in self.items(&mut items, iter::repeat(&Shape::String))?.into_iter().enumerate() {
            let flag =
                names.iter().zip(&mut set).find(|(name, _)| matches!(&item, Val::String(item) if *item == *name.json));
            match flag {
                Some((_, set)) if !*set => *set = true,
                _ => return Err(self.reading.refuse_at(position, format!("expected {}", self.shape))),
            }
        }
        let set = names.iter().zip(set).filter(|(_, set)| *set);
        Ok(Val::Flags(set.map(|(name, _)| name.wit.as_ref().into()).collect()))
    }
}

// JSON objects hold records, and cases with a payload.

fn read_object<'de, A: MapAccess<'de>>(reader: Reader<'_, '_>, members: A) -> Result<Val, A::Error> {
    match reader.shape {
        Shape::Record(fields) => record(fields, reader.reading, members).map(Val::Record),
        Shape::Cases(cases) => reader.case(cases, members),
        _ => Err(reader.unexpected("an object")),
    }
}

/// Returns the fields in the order of their type; the input may have any order. An absent option is none.
fn record<'de, A: MapAccess<'de>>(
    fields: &Members,
    reading: &mut Reading<'_>,
    mut members: A,
) -> Result<Vec<(String, Val)>, A::Error> {
    reading.take_memory(fields.memory_bytes)?;
    // No field has an empty name, so an empty name marks an unread slot.
    let mut slots: Vec<_> = fields.fields.iter().map(|_| (String::new(), Val::Option(None))).collect();
    let mut likely = 0;
    while let Some(key) = members.next_key_seed(KeyReader(|name: &str| fields.find(name, likely)))? {
        let place = match key {
            Ok(place) => place,
            Err(Some(unknown)) => return Err(reading.refuse_at(unknown, "unknown member")),
            Err(None) => return Err(reading.refuse("unknown member with a very long name")),
        };
        let (field, slot) = fields.fields.get(place).zip(slots.get_mut(place)).expect("fields are found by place");
        if !slot.0.is_empty() {
            return Err(reading.refuse_at(&field.name.json, "repeated member"));
        }
        let value = members.next_value_seed(Reader { shape: &field.shape, reading });
        let value = value.inspect_err(|_| reading.context.leave(&field.name.json))?;
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

impl Reader<'_, '_> {
    fn case<'de, A: MapAccess<'de>>(self, cases: &Cases, mut members: A) -> Result<Val, A::Error> {
        let key = members.next_key_seed(KeyReader(|name: &str| cases.find(name)))?;
        let Some(Ok(case)) = key else {
            return Err(self.unexpected("an object without such a member"));
        };
        let Some(shape) = &case.payload else {
            return Err(self.unexpected("an object"));
        };
        let payload = members.next_value_seed(Reader { shape, reading: self.reading });
        let payload = payload.inspect_err(|_| self.reading.context.leave(&case.name))?;
        match members.next_key::<IgnoredAny>()? {
            Some(_) => Err(self.unexpected("an object with more members")),
            None => Ok(cases.value(case, Some(payload))),
        }
    }
}

/// Reads the name of a member. Returns the result of the function, or the unknown name unless it is very long.
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
