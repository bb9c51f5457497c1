//! The shape of a type in JSON: a [`Type`] with converted names and chosen special forms.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::Val;

use super::integer::Integer;
use crate::contract::{Field, Name, Type};

#[derive(Debug)]
pub(super) enum Shape {
    Bool,
    Integer(Integer),
    F32,
    F64,
    Char,
    String,
    /// A `list<u8>`, written as base64.
    Bytes,
    List(Box<Shape>),
    FixedList(Box<Shape>, usize),
    Tuple(Box<[Shape]>),
    /// Null or the inner value, which is never null itself; see `Some`.
    Option(Box<Shape>),
    /// Variants, enums and results, and an option inside an option.
    Cases(Cases),
    Record(Members),
    Flags(Box<[Name]>),
}

/// One of several cases: its name as a string, or `{"name": payload}`.
#[derive(Debug)]
pub(super) struct Cases {
    pub(super) kind: CasesKind,
    pub(super) cases: Box<[CaseShape]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CasesKind {
    Enum,
    Variant,
    /// The cases `ok` and `err`.
    Result,
    /// `{"some": …}`, the only case of an option inside an option. Its value is the payload itself.
    Some,
}

#[derive(Debug)]
pub(super) struct CaseShape {
    pub(super) name: Arc<str>,
    pub(super) payload: Option<Shape>,
}

/// The fields of a record, or the parameters of a function.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) fields: Box<[Member]>,
    /// The memory that every such record uses, independent of its values: its slots and their names.
    pub(super) memory_bytes: usize,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Name,
    /// The name in JSON, with quotes and colon.
    pub(super) key: Box<str>,
    pub(super) shape: Shape,
}

impl Shape {
    pub(super) fn new(ty: &Type) -> Self {
        match ty {
            Type::Bool => Self::Bool,
            Type::S8 => Self::Integer(Integer::S8),
            Type::U8 => Self::Integer(Integer::U8),
            Type::S16 => Self::Integer(Integer::S16),
            Type::U16 => Self::Integer(Integer::U16),
            Type::S32 => Self::Integer(Integer::S32),
            Type::U32 => Self::Integer(Integer::U32),
            Type::S64 => Self::Integer(Integer::S64),
            Type::U64 => Self::Integer(Integer::U64),
            Type::F32 => Self::F32,
            Type::F64 => Self::F64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::List(item) if **item == Type::U8 => Self::Bytes,
            Type::List(item) => Self::List(Self::boxed(item)),
            Type::FixedList(item, length) => {
                Self::FixedList(Self::boxed(item), usize::try_from(*length).unwrap_or(usize::MAX))
            }
            Type::Tuple(items) => Self::Tuple(items.iter().map(Self::new).collect()),
            Type::Option(inner) => match &**inner {
                Type::Option(_) => Self::Option(Box::new(Self::cases(CasesKind::Some, [("some", Some(&**inner))]))),
                _ => Self::Option(Self::boxed(inner)),
            },
            Type::Result { ok, err } => {
                Self::cases(CasesKind::Result, [("ok", ok.as_deref()), ("err", err.as_deref())])
            }
            Type::Variant(variant) => {
                Self::cases(CasesKind::Variant, variant.cases.iter().map(|case| (&*case.name, case.ty.as_ref())))
            }
            Type::Enum(cases) => Self::cases(CasesKind::Enum, cases.cases.iter().map(|case| (&*case.name, None))),
            Type::Record(record) => Self::Record(Members::new(&record.fields)),
            Type::Flags(flags) => Self::Flags(flags.flags.as_slice().into()),
        }
    }

    /// Whether JSON writes at least some values as strings.
    pub(super) fn may_be_text(&self) -> bool {
        match self {
            Self::Integer(integer) => integer.may_be_text(),
            Self::Char | Self::String | Self::Bytes | Self::Cases(_) => true,
            _ => false,
        }
    }

    fn boxed(ty: &Type) -> Box<Self> {
        Box::new(Self::new(ty))
    }

    fn cases<'t>(kind: CasesKind, cases: impl IntoIterator<Item = (&'t str, Option<&'t Type>)>) -> Self {
        let shape = |(name, ty): (&str, Option<&Type>)| CaseShape { name: name.into(), payload: ty.map(Self::new) };
        Self::Cases(Cases { kind, cases: cases.into_iter().map(shape).collect() })
    }
}

impl Cases {
    pub(super) fn find(&self, name: &str) -> Option<&CaseShape> {
        self.cases.iter().find(|case| *case.name == *name)
    }

    /// The value of `case` with `payload`, which is present exactly if the case has a type.
    pub(super) fn value(&self, case: &CaseShape, payload: Option<Val>) -> Val {
        match (self.kind, payload) {
            (CasesKind::Enum, _) => Val::Enum(case.name.as_ref().into()),
            (CasesKind::Variant, payload) => Val::Variant(case.name.as_ref().into(), payload.map(Box::new)),
            (CasesKind::Result, payload) if *case.name == *"ok" => Val::Result(Ok(payload.map(Box::new))),
            (CasesKind::Result, payload) => Val::Result(Err(payload.map(Box::new))),
            (CasesKind::Some, payload) => payload.expect("`some` has a payload"),
        }
    }

    /// The case of `value` and its payload; `None` if the value has another type.
    pub(super) fn of<'v>(&self, value: &'v Val) -> Option<(&CaseShape, Option<&'v Val>)> {
        let (name, payload) = match (self.kind, value) {
            (CasesKind::Enum, Val::Enum(name)) => (name.as_str(), None),
            (CasesKind::Variant, Val::Variant(name, payload)) => (name.as_str(), payload.as_deref()),
            (CasesKind::Result, Val::Result(Ok(payload))) => ("ok", payload.as_deref()),
            (CasesKind::Result, Val::Result(Err(payload))) => ("err", payload.as_deref()),
            (CasesKind::Some, payload) => ("some", Some(payload)),
            _ => return None,
        };
        self.find(name).filter(|case| case.payload.is_some() == payload.is_some()).map(|case| (case, payload))
    }
}

impl Members {
    pub(super) fn new(fields: &[Field]) -> Self {
        let memory_bytes = fields.iter().map(|field| size_of::<(String, Val)>() + field.name.wit.len()).sum();
        let member = |field: &Field| Member {
            name: field.name.clone(),
            key: format!("\"{}\":", field.name.json).into(),
            shape: Shape::new(&field.ty),
        };
        Self { fields: fields.iter().map(member).collect(), memory_bytes }
    }

    /// The index of the member `name`. Members mostly come in order, so `likely` is checked first.
    pub(super) fn find(&self, name: &str, likely: usize) -> Option<usize> {
        match self.fields.get(likely) {
            Some(field) if *field.name.json == *name => Some(likely),
            _ => self.fields.iter().position(|field| *field.name.json == *name),
        }
    }
}

/// The expected JSON form, for error messages: "expected …".
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("true or false"),
            Self::Integer(integer) => {
                let (min, max) = integer.range();
                write!(f, "an integer from {min} to {max}")?;
                f.write_str(if integer.may_be_text() { ", as a number or a string" } else { "" })
            }
            Self::F32 | Self::F64 => f.write_str("a number"),
            Self::Char => f.write_str("a string of one character"),
            Self::String => f.write_str("a string"),
            Self::Bytes => f.write_str("a string of base64 with padding"),
            Self::List(_) => f.write_str("an array"),
            Self::FixedList(_, length) => write!(f, "an array of {length} items"),
            Self::Tuple(items) => write!(f, "an array of {} items", items.len()),
            Self::Option(inner) => write!(f, "{inner}, or null"),
            Self::Cases(cases) => cases.fmt(f),
            Self::Record(_) => f.write_str("an object"),
            Self::Flags(names) => {
                f.write_str("an array of different names from ")?;
                list(f, names.iter().map(|name| format!("\"{}\"", name.json)))
            }
        }
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = |case: &CaseShape| match case.payload {
            Some(_) => format!("{{\"{}\": …}}", case.name),
            None => format!("\"{}\"", case.name),
        };
        list(f, self.cases.iter().map(form))
    }
}

fn list(f: &mut fmt::Formatter<'_>, mut forms: impl Iterator<Item = String>) -> fmt::Result {
    f.write_str(&forms.next().unwrap_or_default())?;
    forms.try_for_each(|form| write!(f, " or {form}"))
}
