//! Whether a component's function has the types of the contract's function. Their values are dynamic, so a difference
//! would otherwise fail only in the middle of a call.

use wasmtime::component::types;

use crate::contract::{Case, Function, Type};

/// Whether `found` has the parameters and results of `expected`, under the same names.
pub(super) fn fits(expected: &Function, found: &types::ComponentFunc) -> bool {
    let parameters = expected.parameters.iter().map(|parameter| (&*parameter.name.wit, &parameter.ty));
    let same = |((name, expected), (found_name, found)): ((&str, &Type), (&str, types::Type))| {
        name == found_name && same(expected, &found)
    };
    let mut results = found.results();
    let result = results.next();
    expected.parameters.len() == found.params().len()
        && parameters.zip(found.params()).all(same)
        && results.next().is_none()
        && returns(expected, result.as_ref())
        && !found.async_()
}

fn returns(expected: &Function, found: Option<&types::Type>) -> bool {
    match (expected.fallible, found) {
        (true, Some(types::Type::Result(found))) => {
            perhaps(expected.ok.as_ref(), found.ok()) && perhaps(expected.err.as_ref(), found.err())
        }
        (true, _) => false,
        (false, found) => match (&expected.ok, found) {
            (Some(expected), Some(found)) => same(expected, found),
            (expected, found) => expected.is_none() && found.is_none(),
        },
    }
}

fn perhaps(expected: Option<&Type>, found: Option<types::Type>) -> bool {
    match (expected, found) {
        (Some(expected), Some(found)) => same(expected, &found),
        (expected, found) => expected.is_none() && found.is_none(),
    }
}

fn same(expected: &Type, found: &types::Type) -> bool {
    use types::Type as Found;
    match (expected, found) {
        (Type::Bool, Found::Bool)
        | (Type::S8, Found::S8)
        | (Type::U8, Found::U8)
        | (Type::S16, Found::S16)
        | (Type::U16, Found::U16)
        | (Type::S32, Found::S32)
        | (Type::U32, Found::U32)
        | (Type::S64, Found::S64)
        | (Type::U64, Found::U64)
        | (Type::F32, Found::Float32)
        | (Type::F64, Found::Float64)
        | (Type::Char, Found::Char)
        | (Type::String, Found::String) => true,
        (Type::List(item), Found::List(found)) => same(item, &found.ty()),
        (Type::FixedList(item, length), Found::FixedLengthList(found)) => {
            *length == found.len() && same(item, &found.ty())
        }
        (Type::Option(inner), Found::Option(found)) => same(inner, &found.ty()),
        (Type::Tuple(items), Found::Tuple(found)) => {
            items.len() == found.types().len()
                && items.iter().zip(found.types()).all(|(item, found)| same(item, &found))
        }
        (Type::Result { ok, err }, Found::Result(found)) => {
            perhaps(ok.as_deref(), found.ok()) && perhaps(err.as_deref(), found.err())
        }
        (Type::Record(record), Found::Record(found)) => {
            let fields = record.fields.iter().zip(found.fields());
            record.fields.len() == found.fields().len()
                && fields.into_iter().all(|(field, found)| *field.name.wit == *found.name && same(&field.ty, &found.ty))
        }
        (Type::Variant(variant), Found::Variant(found)) => {
            let case = |(case, found): (&Case, types::Case<'_>)| {
                *case.name == *found.name && perhaps(case.ty.as_ref(), found.ty)
            };
            variant.cases.len() == found.cases().len() && variant.cases.iter().zip(found.cases()).all(case)
        }
        (Type::Enum(of), Found::Enum(found)) => of.cases.iter().map(|case| &*case.name).eq(found.names()),
        (Type::Flags(flags), Found::Flags(found)) => flags.flags.iter().map(|flag| &*flag.wit).eq(found.names()),
        _ => false,
    }
}
