//! Values that JSON has as an array: lists, tuples, flags.

use std::iter;

use serde::de::{IgnoredAny, SeqAccess};
use wasmtime::component::Val;

use super::Reader;
use crate::contract::Name;
use crate::value::shape::Shape;

pub(super) fn read<'de, A: SeqAccess<'de>>(mut reader: Reader<'_>, mut items: A) -> Result<Val, A::Error> {
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

impl Reader<'_> {
    /// The items that there are, at most one for each of `shapes`.
    fn items<'s, 'de, A: SeqAccess<'de>>(
        &mut self,
        items: &mut A,
        shapes: impl Iterator<Item = &'s Shape>,
    ) -> Result<Vec<Val>, A::Error> {
        let mut values = Vec::new();
        for shape in shapes {
            let read = items.next_element_seed(Reader { shape, reading: self.reading });
            match read.inspect_err(|_| self.reading.blame.leave(values.len()))? {
                Some(value) => values.push(value),
                None => break,
            }
        }
        Ok(values)
    }

    /// `values`, if they are `count` and nothing is left in `items`.
    fn all<'de, A: SeqAccess<'de>>(self, mut items: A, values: Vec<Val>, count: usize) -> Result<Vec<Val>, A::Error> {
        if values.len() < count {
            return Err(self.unexpected(format_args!("only {}", values.len())));
        }
        match items.next_element::<IgnoredAny>()? {
            Some(_) => Err(self.unexpected("more")),
            None => Ok(values),
        }
    }

    /// The flags in the order of their type, in whatever order they come.
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
