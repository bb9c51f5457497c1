//! Where two values of one type differ, without any text that somebody typed: it may be a secret or a name.
//!
//! Fields that a contract marks as `opaque` may differ between two implementations. Of these, only the presence is
//! compared, except by [`first_difference`], which compares exactly.

use wasmtime::component::Val;

use crate::contract::Type;

/// What is shown of a value that is absent.
pub const NOTHING: &str = "nothing";

/// The place as a JSON pointer (RFC 6901), and a description of each value there.
pub type Difference = (String, String, String);

/// A place in which two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferentPlace {
    /// A JSON pointer, in which every index of a list is `*`.
    pub path: String,
    /// Whether the first value has items in a list there and the second has none, or the second value is absent as a
    /// whole.
    pub is_lost: bool,
}

/// The first place where `one` and `other` differ. They are values of the type `ty`, and not equal.
#[must_use]
pub fn first_difference(ty: Option<&Type>, one: Option<&Val>, other: Option<&Val>) -> Difference {
    first(true, ty, one, other).unwrap_or_else(|| (String::new(), "one value".into(), "another value".into()))
}

/// The first place where `one` and `other` differ, apart from the values of opaque fields.
#[must_use]
pub fn first_visible_difference(ty: Option<&Type>, one: Option<&Val>, other: Option<&Val>) -> Option<Difference> {
    first(false, ty, one, other)
}

/// All places where `one` and `other` differ, apart from the values of opaque fields. A place is listed once.
#[must_use]
pub fn different_places(ty: Option<&Type>, one: Option<&Val>, other: Option<&Val>) -> Vec<DifferentPlace> {
    let mut places: Vec<DifferentPlace> = Vec::new();
    Walk::default().top(ty, one, other, &mut |steps, one, other| {
        let path = pointer(steps, true);
        let is_list = matches!(one, Some(Val::List(_)));
        let is_lost = is_present(one) && !is_present(other) && (is_list || steps.is_empty());
        match places.iter_mut().find(|place| place.path == path) {
            Some(place) => place.is_lost |= is_lost,
            None => places.push(DifferentPlace { path, is_lost }),
        }
        true
    });
    places
}

/// Calls `found` with the text of every field of `value` that the contract marks as opaque.
pub fn opaque_texts<'v>(ty: Option<&Type>, value: Option<&'v Val>, found: &mut dyn FnMut(&'v str)) {
    let Some((ty, value)) = ty.zip(value) else { return };
    match (ty, value) {
        (Type::Record(record), Val::Record(values)) => {
            for (field, (_, value)) in record.fields.iter().zip(values) {
                match text(value).filter(|_| field.opaque) {
                    Some(text) => found(text),
                    None => opaque_texts(Some(&field.ty), Some(value), found),
                }
            }
        }
        (Type::Option(inner), Val::Option(Some(value))) => opaque_texts(Some(inner), Some(value), found),
        (Type::List(item) | Type::FixedList(item, _), Val::List(items) | Val::FixedLengthList(items)) => {
            items.iter().for_each(|value| opaque_texts(Some(item), Some(value), found));
        }
        (Type::Tuple(types), Val::Tuple(values)) => {
            types.iter().zip(values).for_each(|(ty, value)| opaque_texts(Some(ty), Some(value), found));
        }
        (Type::Variant(variant), Val::Variant(name, Some(payload))) => {
            let case = variant.cases.iter().find(|case| *case.name == **name);
            opaque_texts(case.and_then(|case| case.ty.as_ref()), Some(payload), found);
        }
        _ => {}
    }
}

fn text(value: &Val) -> Option<&str> {
    match value {
        Val::String(text) => Some(text),
        Val::Option(Some(inner)) => text(inner),
        _ => None,
    }
}

fn first(is_exact: bool, ty: Option<&Type>, one: Option<&Val>, other: Option<&Val>) -> Option<Difference> {
    let mut first = None;
    Walk { is_exact, ..Walk::default() }.top(ty, one, other, &mut |steps, one, other| {
        first = Some((pointer(steps, false), display_value(one), display_value(other)));
        false
    });
    first
}

/// One step from a value to a part of it.
#[derive(Debug, Clone)]
enum Step<'t> {
    Member(&'t str),
    Index(usize),
}

fn pointer(steps: &[Step<'_>], is_general: bool) -> String {
    let mut pointer = String::new();
    for step in steps {
        pointer.push('/');
        match step {
            Step::Member(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Step::Index(_) if is_general => pointer.push('*'),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

/// Gets each place with the values there, and returns whether to look for more.
type Found<'f> = dyn FnMut(&[Step<'_>], Option<&Val>, Option<&Val>) -> bool + 'f;

#[derive(Debug, Default)]
struct Walk<'t> {
    /// Whether the values of opaque fields count.
    is_exact: bool,
    steps: Vec<Step<'t>>,
}

impl<'t> Walk<'t> {
    fn top(&mut self, ty: Option<&'t Type>, one: Option<&Val>, other: Option<&Val>, found: &mut Found<'_>) {
        let _more = match (ty, one, other) {
            (_, None, None) => true,
            (Some(ty), Some(one), Some(other)) => self.values(ty, one, other, found),
            _ => found(&self.steps, one, other),
        };
    }

    /// Compares two values of the type `ty`. Returns whether to look for more.
    fn values(&mut self, ty: &'t Type, one: &Val, other: &Val, found: &mut Found<'_>) -> bool {
        match (ty, one, other) {
            (Type::Record(record), Val::Record(first), Val::Record(second)) if first.len() == second.len() => {
                let values = first.iter().zip(second).map(|((_, one), (_, other))| (one, other));
                record.fields.iter().zip(values).all(|(field, (one, other))| {
                    let is_compared =
                        self.is_exact || !field.opaque || is_present(Some(one)) != is_present(Some(other));
                    !is_compared || self.below(Step::Member(&field.name.json), &field.ty, (one, other), found)
                })
            }
            (Type::Option(inner), Val::Option(Some(one)), Val::Option(Some(other))) => {
                self.values(inner, one, other, found)
            }
            (Type::List(item), Val::List(first), Val::List(second))
                if **item != Type::U8 && first.len() == second.len() =>
            {
                self.items(std::iter::repeat(&**item), first, second, found)
            }
            (Type::FixedList(item, _), Val::FixedLengthList(first), Val::FixedLengthList(second)) => {
                self.items(std::iter::repeat(&**item), first, second, found)
            }
            (Type::Tuple(types), Val::Tuple(first), Val::Tuple(second)) => {
                self.items(types.iter(), first, second, found)
            }
            (Type::Variant(variant), Val::Variant(name, Some(one)), Val::Variant(same, Some(other)))
                if name == same =>
            {
                let case = variant.cases.iter().find(|case| *case.name == **name);
                match case.and_then(|case| Some((&*case.name, case.ty.as_ref()?))) {
                    Some((name, ty)) => self.below(Step::Member(name), ty, (one, other), found),
                    None => true,
                }
            }
            (Type::Result { ok: Some(ty), .. }, Val::Result(Ok(Some(one))), Val::Result(Ok(Some(other)))) => {
                self.below(Step::Member("ok"), ty, (one, other), found)
            }
            (Type::Result { err: Some(ty), .. }, Val::Result(Err(Some(one))), Val::Result(Err(Some(other)))) => {
                self.below(Step::Member("err"), ty, (one, other), found)
            }
            _ => one == other || found(&self.steps, Some(one), Some(other)),
        }
    }

    fn items(
        &mut self,
        types: impl Iterator<Item = &'t Type>,
        first: &[Val],
        second: &[Val],
        found: &mut Found<'_>,
    ) -> bool {
        let mut items = types.zip(first.iter().zip(second)).enumerate();
        items.all(|(index, (ty, values))| self.below(Step::Index(index), ty, values, found))
    }

    fn below(&mut self, step: Step<'t>, ty: &'t Type, values: (&Val, &Val), found: &mut Found<'_>) -> bool {
        self.steps.push(step);
        let more = self.values(ty, values.0, values.1, found);
        self.steps.pop();
        more
    }
}

/// Whether a value says something: an option that is none, an empty list and an empty text do not.
fn is_present(value: Option<&Val>) -> bool {
    match value {
        None | Some(Val::Option(None)) => false,
        Some(Val::Option(Some(inner))) => is_present(Some(inner)),
        Some(Val::List(items)) => !items.is_empty(),
        Some(Val::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

fn display_value(value: Option<&Val>) -> String {
    match value {
        None | Some(Val::Option(None)) => NOTHING.into(),
        Some(Val::Option(Some(inner))) => display_value(Some(inner)),
        Some(Val::String(text)) => format!("a text of {} characters", text.chars().count()),
        Some(Val::Char(_)) => "a character".into(),
        Some(Val::List(items)) => format!("{} items", items.len()),
        Some(Val::Record(fields)) => format!("an object of {} members", fields.len()),
        // The names of cases and flags are the contract's own.
        Some(Val::Enum(name) | Val::Variant(name, _)) => name.clone(),
        Some(Val::Flags(names)) => format!("{} flags", names.len()),
        Some(Val::Result(Ok(_))) => "ok".into(),
        Some(Val::Result(Err(_))) => "an error".into(),
        Some(Val::Bool(value)) => value.to_string(),
        Some(Val::S8(value)) => value.to_string(),
        Some(Val::U8(value)) => value.to_string(),
        Some(Val::S16(value)) => value.to_string(),
        Some(Val::U16(value)) => value.to_string(),
        Some(Val::S32(value)) => value.to_string(),
        Some(Val::U32(value)) => value.to_string(),
        Some(Val::S64(value)) => value.to_string(),
        Some(Val::U64(value)) => value.to_string(),
        Some(Val::Float32(value)) => value.to_string(),
        Some(Val::Float64(value)) => value.to_string(),
        Some(_) => "a value".into(),
    }
}

#[cfg(test)]
mod tests;
