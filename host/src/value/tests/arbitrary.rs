//! Random types, and random values of them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use wasmtime::component::Val;

use crate::contract::{Case, Enum, Field, Flags, Name, Record, Type, Variant};

const DEPTH_MAX: u32 = 5;
const NODES_MAX: u32 = 40;

/// Any type, up to a size that keeps a test short.
pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    scalar().prop_recursive(DEPTH_MAX, NODES_MAX, 5, |inner| {
        let shared = inner.clone().prop_map(Arc::new);
        let maybe = proptest::option::of(shared.clone());
        prop_oneof![
            shared.clone().prop_map(Type::List),
            (shared.clone(), 0_u32..4).prop_map(|(item, length)| Type::FixedList(item, length)),
            vec(inner.clone(), 0..4).prop_map(|items| Type::Tuple(items.into())),
            shared.clone().prop_map(Type::Option),
            shared.prop_map(|inner| Type::Option(Arc::new(Type::Option(inner)))),
            (maybe.clone(), maybe).prop_map(|(ok, err)| Type::Result { ok, err }),
            vec(inner.clone(), 1..6).prop_map(record),
            vec(proptest::option::of(inner), 1..5).prop_map(variant),
        ]
    })
}

fn scalar() -> impl Strategy<Value = Type> {
    prop_oneof![
        proptest::sample::select(vec![
            Type::Bool,
            Type::S8,
            Type::U8,
            Type::S16,
            Type::U16,
            Type::S32,
            Type::U32,
            Type::S64,
            Type::U64,
            Type::F32,
            Type::F64,
            Type::Char,
            Type::String,
            Type::List(Arc::new(Type::U8)),
        ]),
        (1_usize..5).prop_map(|count| {
            let cases: Vec<_> = (0..count).map(|place| case(place, None)).collect();
            let name = named("e", &cases);
            Type::Enum(Arc::new(Enum { name, interface: "t:t/t".into(), docs: "".into(), cases }))
        }),
        (1_usize..40).prop_map(|count| {
            let flags: Vec<_> = (0..count).map(|place| Name::new(&format!("flag-{place}"))).collect();
            let name = named("f", &flags);
            Type::Flags(Arc::new(Flags { name, interface: "t:t/t".into(), docs: "".into(), flags }))
        }),
    ]
}

fn record(types: Vec<Type>) -> Type {
    let field = |(place, ty)| Field::new(Name::new(&format!("field-{place}")), ty);
    let fields: Vec<_> = types.into_iter().enumerate().map(field).collect();
    let name = named("r", &fields);
    Type::Record(Arc::new(Record { name, interface: "t:t/t".into(), docs: "".into(), fields }))
}

fn variant(payloads: Vec<Option<Type>>) -> Type {
    let cases: Vec<_> = payloads.into_iter().enumerate().map(|(place, ty)| case(place, ty)).collect();
    let name = named("v", &cases);
    Type::Variant(Arc::new(Variant { name, interface: "t:t/t".into(), docs: "".into(), cases }))
}

/// A name that is unique to its type, because in one interface each name has one type.
fn named(prefix: &str, content: &impl std::fmt::Debug) -> Arc<str> {
    let mut hasher = DefaultHasher::new();
    format!("{content:?}").hash(&mut hasher);
    format!("{prefix}-{:016x}", hasher.finish()).into()
}

fn case(place: usize, ty: Option<Type>) -> Case {
    Case { name: format!("case-{place}").into(), ty, docs: "".into(), status: None, commits: false }
}

/// Any value of `ty` that has a JSON form.
pub(crate) fn any_value(ty: &Type) -> BoxedStrategy<Val> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Val::S8).boxed(),
        Type::U8 => any::<u8>().prop_map(Val::U8).boxed(),
        Type::S16 => any::<i16>().prop_map(Val::S16).boxed(),
        Type::U16 => any::<u16>().prop_map(Val::U16).boxed(),
        Type::S32 => any::<i32>().prop_map(Val::S32).boxed(),
        Type::U32 => any::<u32>().prop_map(Val::U32).boxed(),
        Type::S64 => prop_oneof![any::<i64>(), -9..9_i64].prop_map(Val::S64).boxed(),
        Type::U64 => prop_oneof![any::<u64>(), 0..9_u64].prop_map(Val::U64).boxed(),
        Type::F32 => finite(any::<u32>(), f32::from_bits, |number| number.is_finite()).prop_map(Val::Float32).boxed(),
        Type::F64 => finite(any::<u64>(), f64::from_bits, |number| number.is_finite()).prop_map(Val::Float64).boxed(),
        Type::Char => any::<char>().prop_map(Val::Char).boxed(),
        Type::String => any::<String>().prop_map(Val::String).boxed(),
        Type::List(item) => vec(any_value(item), 0..4).prop_map(Val::List).boxed(),
        Type::FixedList(item, length) => vec(any_value(item), *length as usize).prop_map(Val::FixedLengthList).boxed(),
        Type::Tuple(items) => items.iter().map(any_value).collect::<Vec<_>>().prop_map(Val::Tuple).boxed(),
        Type::Option(inner) => {
            proptest::option::of(any_value(inner)).prop_map(|value| Val::Option(value.map(Box::new))).boxed()
        }
        Type::Result { ok, err } => {
            let ok = any_payload(ok.as_deref()).prop_map(|ok| Val::Result(Ok(ok)));
            let err = any_payload(err.as_deref()).prop_map(|err| Val::Result(Err(err)));
            prop_oneof![ok, err].boxed()
        }
        Type::Record(record) => {
            let fields: Vec<_> = record.fields.iter().map(|field| any_value(&field.ty)).collect();
            let names: Vec<_> = record.fields.iter().map(|field| field.name.wit.to_string()).collect();
            fields.prop_map(move |values| Val::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Type::Variant(variant) => any_case(&variant.cases, Val::Variant),
        Type::Enum(cases) => any_case(&cases.cases, |name, _| Val::Enum(name)),
        Type::Flags(flags) => {
            let names: Vec<_> = flags.flags.iter().map(|name| name.wit.to_string()).collect();
            let count = names.len();
            subsequence(names, 0..=count).prop_map(Val::Flags).boxed()
        }
    }
}

fn finite<B: std::fmt::Debug, F: std::fmt::Debug + Copy>(
    bits: impl Strategy<Value = B>,
    number: fn(B) -> F,
    is_finite: fn(&F) -> bool,
) -> impl Strategy<Value = F> {
    bits.prop_map(number).prop_filter("JSON has finite numbers only", is_finite)
}

fn any_payload(ty: Option<&Type>) -> BoxedStrategy<Option<Box<Val>>> {
    match ty {
        Some(ty) => any_value(ty).prop_map(|payload| Some(Box::new(payload))).boxed(),
        None => Just(None).boxed(),
    }
}

fn any_case(cases: &[Case], value: fn(String, Option<Box<Val>>) -> Val) -> BoxedStrategy<Val> {
    let one = |case: &Case| {
        let name = case.name.to_string();
        any_payload(case.ty.as_ref()).prop_map(move |payload| value(name.clone(), payload)).boxed()
    };
    proptest::strategy::Union::new(cases.iter().map(one)).boxed()
}
