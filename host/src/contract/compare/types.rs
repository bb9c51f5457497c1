//! Compares types by their structure, not by their names, because only the structure crosses between components.

use std::collections::HashMap;

use wac_types::{DefinedType, DefinedTypeId, FuncType, Record, ValueType, Variant};

use super::text::{TypeTexts, cut};
use super::{Comparison, NOTHING};
use crate::limits::VERDICT_LINES_MAX;

/// A member of a record, variant, enum, flags type or parameter list, and its type.
type Member<'m> = (&'m str, Option<ValueType>);

impl Comparison<'_> {
    pub(super) fn signature(&mut self, expected: &FuncType, found: &FuncType) {
        if expected.is_async != found.is_async {
            self.differs(self.expected.signature(expected), self.found.signature(found), String::new());
        }
        self.members("parameter", &parameters(expected), &parameters(found));
        match (expected.result, found.result) {
            (Some(expected), Some(found)) => self.below("result", |this| this.value(expected, found)),
            (None, None) => {}
            (expected, found) => self.below("result", |this| this.presence(expected, found)),
        }
    }

    pub(super) fn value(&mut self, expected: ValueType, found: ValueType) {
        let (one, other) = (self.expected.types, self.found.types);
        match (one.resolve_value_type(expected), other.resolve_value_type(found)) {
            (ValueType::Primitive(one), ValueType::Primitive(other)) if one == other => {}
            (ValueType::Defined(one), ValueType::Defined(other)) => self.defined(one, other, expected, found),
            (ValueType::Own(here), ValueType::Own(there)) | (ValueType::Borrow(here), ValueType::Borrow(there)) => {
                if one[one.resolve_resource(here)].name != other[other.resolve_resource(there)].name {
                    self.values_differ(expected, found);
                }
            }
            _ => self.values_differ(expected, found),
        }
    }

    fn defined(&mut self, one: DefinedTypeId, other: DefinedTypeId, expected: ValueType, found: ValueType) {
        let (one, other) = (self.expected.origin(one), self.found.origin(other));
        if let Some(problems) = self.compared.get(&(one, other)) {
            for index in problems.clone() {
                self.shows_again(index);
            }
            return;
        }
        let before = self.met.len();
        let (expected_types, found_types) = (self.expected.types, self.found.types);
        match (&expected_types[one], &found_types[other]) {
            (DefinedType::Record(one), DefinedType::Record(other)) => {
                self.members("field", &fields(one), &fields(other));
            }
            (DefinedType::Variant(one), DefinedType::Variant(other)) => {
                self.members("case", &cases(one), &cases(other));
            }
            (DefinedType::Enum(one), DefinedType::Enum(other)) => {
                self.members("case", &bare(&one.0), &bare(&other.0));
            }
            (DefinedType::Flags(one), DefinedType::Flags(other)) => {
                self.members("flag", &bare(&one.0), &bare(&other.0));
            }
            (DefinedType::List(one), DefinedType::List(other)) => {
                self.below("element", |this| this.value(*one, *other));
            }
            (DefinedType::FixedSizeList(one, length), DefinedType::FixedSizeList(other, other_length))
                if length == other_length =>
            {
                self.below("element", |this| this.value(*one, *other));
            }
            (DefinedType::Option(one), DefinedType::Option(other)) => {
                self.below("some", |this| this.value(*one, *other));
            }
            (DefinedType::Tuple(one), DefinedType::Tuple(other)) if one.len() == other.len() => {
                for (index, (one, other)) in one.iter().zip(other).enumerate() {
                    self.below(&format!("element {index}"), |this| this.value(*one, *other));
                }
            }
            (DefinedType::Result { ok, err }, DefinedType::Result { ok: other_ok, err: other_err }) => {
                self.below("ok", |this| this.presence(*ok, *other_ok));
                self.below("error", |this| this.presence(*err, *other_err));
            }
            _ => self.values_differ(expected, found),
        }
        let mut met = self.met.split_off(before);
        met.sort_unstable();
        met.dedup();
        self.met.extend(&met);
        self.compared.insert((one, other), met);
    }

    /// Records another place that shows a problem which is already reported.
    fn shows_again(&mut self, index: usize) {
        self.met.push(index);
        let Some(problem) = self.problems.get(index).filter(|_| index < VERDICT_LINES_MAX) else { return };
        let mut first = problem.path.trim_start_matches("import ").split(" · ");
        let (interface, function) = (self.path.first(), self.path.get(1));
        let same_interface = first.next() == interface.map(String::as_str);
        if !same_interface || first.next() != function.map(String::as_str) {
            let place: Vec<_> = interface.filter(|_| !same_interface).into_iter().chain(function).cloned().collect();
            let places = self.again.entry(index).or_default();
            if places.len() < VERDICT_LINES_MAX {
                places.push(place.join(" · "));
            }
        }
    }

    /// Compares two optional types.
    fn presence(&mut self, expected: Option<ValueType>, found: Option<ValueType>) {
        match (expected, found) {
            (Some(expected), Some(found)) => self.value(expected, found),
            (None, None) => {}
            (expected, found) => {
                let text = |texts: &TypeTexts<'_>, ty: Option<ValueType>| match ty {
                    Some(ty) => texts.value(ty),
                    None => NOTHING.into(),
                };
                self.differs(text(&self.expected, expected), text(&self.found, found), String::new());
            }
        }
    }

    /// Compares members by name; if all are there, their order counts too.
    fn members(&mut self, noun: &str, expected: &[Member<'_>], found: &[Member<'_>]) {
        let other: HashMap<_, _> = found.iter().copied().collect();
        let known: HashMap<_, _> = expected.iter().copied().collect();
        let before = self.problems.len();
        let text = |texts: &TypeTexts<'_>, ty: Option<ValueType>| match ty {
            Some(ty) => texts.value(ty),
            None => format!("the {noun}"),
        };
        for (name, ty) in expected {
            let place = format!("{noun} {}", cut(name));
            match other.get(name) {
                Some(found) => self.below(&place, |this| this.presence(*ty, *found)),
                None => {
                    self.below(&place, |this| this.differs(text(&this.expected, *ty), NOTHING.into(), String::new()))
                }
            }
        }
        for (name, ty) in found.iter().filter(|(name, _)| !known.contains_key(name)) {
            let place = format!("{noun} {}", cut(name));
            self.below(&place, |this| this.differs(NOTHING.into(), text(&this.found, *ty), String::new()));
        }
        let names = |members: &[Member<'_>]| members.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let same = expected.len() == found.len() && expected.iter().all(|(name, _)| other.contains_key(name));
        if same && before == self.problems.len() && names(expected) != names(found) {
            let order = |members| cut(&format!("{noun}s in the order {}", names(members)));
            self.differs(order(expected), order(found), String::new());
        }
    }

    fn values_differ(&mut self, expected: ValueType, found: ValueType) {
        let (mut one, mut other) = (self.expected.value(expected), self.found.value(found));
        if one == other {
            // Both have the same name, so the kind of type tells them apart.
            one = format!("{one}, a {}", self.expected.types.resolve_value_type(expected).desc(self.expected.types));
            other = format!("{other}, a {}", self.found.types.resolve_value_type(found).desc(self.found.types));
        }
        self.differs(one, other, String::new());
    }
}

fn parameters(function: &FuncType) -> Vec<Member<'_>> {
    function.params.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
}

fn fields(record: &Record) -> Vec<Member<'_>> {
    record.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
}

fn cases(variant: &Variant) -> Vec<Member<'_>> {
    variant.cases.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
}

fn bare<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<Member<'n>> {
    names.into_iter().map(|name| (name.as_str(), None)).collect()
}
