//! The error cases of a function, and the members that they add to a problem document.

use crate::contract::types::{Case, Field, Function, Type};

/// The fields of error payloads that become members of problem documents.
pub(super) fn members(function: &Function) -> impl Iterator<Item = &Field> {
    error_cases(function).iter().flat_map(case_members)
}

pub(super) fn error_cases(function: &Function) -> &[Case] {
    match &function.err {
        Some(Type::Variant(variant)) => &variant.cases,
        Some(Type::Enum(cases)) => &cases.cases,
        _ => &[],
    }
}

/// The fields of the payload of `case`, without the members that every problem document has.
pub(super) fn case_members(case: &Case) -> impl Iterator<Item = &Field> {
    let fields = match &case.ty {
        Some(Type::Record(record)) => record.fields.as_slice(),
        _ => &[],
    };
    fields.iter().filter(|field| !matches!(&*field.name.wit, "type" | "title" | "status" | "detail" | "instance"))
}
