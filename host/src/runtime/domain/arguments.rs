//! Generated arguments: values of a contract's types, for calls that nobody asked for.
//!
//! Every value is valid for its type. The set of a function is always the same, so two releases get the same one.

use wasmtime::component::Val;

use crate::contract::{Case, Field, Type};
use crate::limits::GENERATED_VALUES_MAX;

/// How the values of one set are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Zeros, [`TEXT`], no option, empty lists, the first case.
    Minimal,
    /// Values that a client could send: words that suit the name of the field, small numbers, one item, every option.
    Plausible,
    /// The largest numbers, empty texts, two items, the last case.
    Largest,
    /// The smallest numbers, a text with characters of several bytes and of paths, no option, the last case.
    Odd,
}

/// All sets, in the order in which they are used.
pub(super) const CHOICES: [Choice; 4] = [Choice::Minimal, Choice::Plausible, Choice::Largest, Choice::Odd];

/// A text that is not an id of anything, and shows its origin in a log.
const TEXT: &str = "smoke";

const ODD_TEXT: &str = "äß/../%00 \"'\\日本 smoke";

/// Words for fields whose names end in these.
const WORDS: &[(&str, &str)] = &[
    ("email", "smoke@example.com"),
    ("password", "smoke test 1"),
    ("country", "DE"),
    ("currency", "EUR"),
    ("postal-code", "10115"),
    ("url", "https://example.com/smoke"),
    ("image", "/images/smoke.svg"),
    ("at", "2026-01-01T00:00:00Z"),
    ("last4", "4242"),
    ("id", "smoke-1"),
    ("sku", "SMOKE-1"),
];

/// Arguments for `parameters`; `None` if their types describe values with more than [`GENERATED_VALUES_MAX`] parts.
pub(super) fn arguments(parameters: &[Field], choice: Choice) -> Option<Vec<Val>> {
    let mut generator = Generator { choice, left: GENERATED_VALUES_MAX };
    parameters.iter().map(|field| generator.value(&field.ty, &field.name.wit)).collect()
}

struct Generator {
    choice: Choice,
    left: usize,
}

impl Generator {
    /// A value of the type `ty`, for a field called `name`.
    fn value(&mut self, ty: &Type, name: &str) -> Option<Val> {
        self.left = self.left.checked_sub(1)?;
        macro_rules! number {
            ($case:ident, $number:ident) => {
                Val::$case(match self.choice {
                    Choice::Minimal => 0 as $number,
                    Choice::Plausible => 1 as $number,
                    Choice::Largest => $number::MAX,
                    Choice::Odd => $number::MIN,
                })
            };
        }
        Some(match ty {
            Type::Bool => Val::Bool(self.choice != Choice::Minimal),
            Type::S8 => number!(S8, i8),
            Type::U8 => number!(U8, u8),
            Type::S16 => number!(S16, i16),
            Type::U16 => number!(U16, u16),
            Type::S32 => number!(S32, i32),
            Type::U32 => number!(U32, u32),
            Type::S64 => number!(S64, i64),
            Type::U64 => number!(U64, u64),
            Type::F32 => number!(Float32, f32),
            Type::F64 => number!(Float64, f64),
            Type::Char => Val::Char(match self.choice {
                Choice::Minimal | Choice::Plausible => 's',
                Choice::Largest => char::MAX,
                Choice::Odd => '\0',
            }),
            Type::String => Val::String(self.text(name).into()),
            Type::Option(inner) => Val::Option(match self.choice {
                Choice::Minimal | Choice::Odd => None,
                Choice::Plausible | Choice::Largest => Some(Box::new(self.value(inner, name)?)),
            }),
            Type::List(item) => {
                let count = match self.choice {
                    Choice::Minimal => 0,
                    Choice::Plausible | Choice::Odd => 1,
                    Choice::Largest => 2,
                };
                Val::List(self.items(item, count, name)?)
            }
            Type::FixedList(item, count) => Val::FixedLengthList(self.items(item, *count, name)?),
            Type::Tuple(types) => Val::Tuple(types.iter().map(|ty| self.value(ty, name)).collect::<Option<_>>()?),
            Type::Result { ok, err } => match self.takes_last() {
                true => Val::Result(Err(self.payload(err.as_deref(), name)?)),
                false => Val::Result(Ok(self.payload(ok.as_deref(), name)?)),
            },
            Type::Record(record) => {
                let fields = record.fields.iter();
                let fields =
                    fields.map(|field| Some((field.name.wit.to_string(), self.value(&field.ty, &field.name.wit)?)));
                Val::Record(fields.collect::<Option<_>>()?)
            }
            Type::Variant(variant) => {
                let case = self.case(&variant.cases)?;
                Val::Variant(case.name.to_string(), self.payload(case.ty.as_ref(), &case.name)?)
            }
            Type::Enum(of) => Val::Enum(self.case(&of.cases)?.name.to_string()),
            Type::Flags(flags) => Val::Flags(match self.choice {
                Choice::Minimal => Vec::new(),
                Choice::Plausible => flags.flags.iter().take(1).map(|flag| flag.wit.to_string()).collect(),
                Choice::Largest | Choice::Odd => flags.flags.iter().map(|flag| flag.wit.to_string()).collect(),
            }),
        })
    }

    fn text(&self, name: &str) -> &'static str {
        match self.choice {
            Choice::Minimal => TEXT,
            Choice::Plausible => {
                let fits = |end: &str| name == end || name.strip_suffix(end).is_some_and(|rest| rest.ends_with('-'));
                WORDS.iter().find(|(end, _)| fits(end)).map_or(TEXT, |(_, word)| word)
            }
            Choice::Largest => "",
            Choice::Odd => ODD_TEXT,
        }
    }

    fn takes_last(&self) -> bool {
        matches!(self.choice, Choice::Largest | Choice::Odd)
    }

    fn case<'c>(&self, cases: &'c [Case]) -> Option<&'c Case> {
        if self.takes_last() { cases.last() } else { cases.first() }
    }

    fn payload(&mut self, ty: Option<&Type>, name: &str) -> Option<Option<Box<Val>>> {
        match ty {
            Some(ty) => self.value(ty, name).map(|value| Some(Box::new(value))),
            None => Some(None),
        }
    }

    fn items(&mut self, item: &Type, count: u32, name: &str) -> Option<Vec<Val>> {
        // Each item takes one of the values that are left.
        (0..count).map(|_| self.value(item, name)).collect()
    }
}

#[cfg(test)]
mod tests;
