//! The interface `state` of a contract's package: one function by which the host reads the state of a service, and one
//! by which it writes it.

use std::sync::Arc;

use crate::contract::types::{Field, Function, Interface, Reach, StateInterface, Type, Variant};

/// A mistake in an interface `state`, or in the use of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::contract) enum StateFault {
    #[error("`{line}` is only for the interface `state` of a package that has a world")]
    Elsewhere { line: &'static str },
    #[error("the interface `state` is how the host moves the state of the service, and the function does not do that")]
    OtherFunction,
    #[error("{other} carries `{line}` too")]
    Twice { line: &'static str, other: String },
    #[error("no function of the interface carries `{line}`")]
    Missing { line: &'static str },
    #[error("`{found}` cannot be called as `export`")]
    ExportShape { found: String },
    #[error("`{found}` cannot be called as `import`")]
    ImportShape { found: String },
    #[error("its changes hold `{found}`, but the entries of `{export}` hold `{expected}`")]
    OtherEntity { found: String, export: String, expected: String },
    #[error("the world names `{interface}`, which only the host calls")]
    InWorld { interface: String },
}

impl StateFault {
    /// What the author should write instead.
    pub(in crate::contract) fn instead(&self) -> &'static str {
        match self {
            Self::Elsewhere { .. } => "the function in that interface, or another line",
            Self::OtherFunction => {
                "`export` or `import` in its doc comment, or put it into another interface: the name `state` is reserved"
            }
            Self::Twice { .. } => "it on one function",
            Self::Missing { .. } => "one function with `export` and one with `import`, or no interface `state`",
            Self::ExportShape { .. } => {
                "`func(after: option<string>, until: option<string>, limit: u32) -> list<entry>`, where `entry` is a \
                 record of `key: string` and `value: …`, a variant of this interface"
            }
            Self::ImportShape { .. } => {
                "`func(changes: list<change>) -> result<_, string>`, where `change` is a record of `key: string` and \
                 `value: option<…>` of a variant of this interface"
            }
            Self::OtherEntity { .. } => "one variant in both",
            Self::InWorld { .. } => "the world without it: a component may export it all the same",
        }
    }
}

/// A mistake, and the function that has it; `None` for one of the whole interface.
pub(in crate::contract) type Found = (Option<Arc<Function>>, StateFault);

/// Reads an interface `state`. `complete` says whether all of its functions could be read: if not, a missing one is no
/// mistake of its own.
///
/// # Errors
///
/// All mistakes. The list is empty if only an incomplete interface keeps it from being read.
pub(in crate::contract) fn read(interface: &Interface, complete: bool) -> Result<StateInterface, Vec<Found>> {
    let mut found = Vec::new();
    for function in &interface.functions {
        if line(&function.reach).is_none() {
            found.push((Some(Arc::clone(function)), StateFault::OtherFunction));
        }
    }
    let export = only(interface, &Reach::Export, complete, &mut found);
    let import = only(interface, &Reach::Import, complete, &mut found);
    let exported = export.and_then(|function| shaped(function, &interface.name, exported(function), &mut found));
    let imported = import.and_then(|function| shaped(function, &interface.name, imported(function), &mut found));
    if let (Some((export, entity)), Some((import, other))) = (exported, imported) {
        if entity != other {
            let (found_name, expected) = (other.name.to_string(), entity.name.to_string());
            let fault = StateFault::OtherEntity { found: found_name, export: export.name.wit.to_string(), expected };
            found.push((Some(Arc::clone(import)), fault));
        }
        if found.is_empty() {
            let (name, export, import) = (Arc::clone(&interface.name), Arc::clone(export), Arc::clone(import));
            return Ok(StateInterface { name, export, import, entity: Arc::clone(entity) });
        }
    }
    Err(found)
}

/// The functions of any other interface that carry a line of this one.
pub(in crate::contract) fn misplaced(interface: &Interface) -> Vec<Found> {
    let lines = interface.functions.iter().filter_map(|function| Some((function, line(&function.reach)?)));
    lines.map(|(function, line)| (Some(Arc::clone(function)), StateFault::Elsewhere { line })).collect()
}

/// The line of a function of the interface.
fn line(reach: &Reach) -> Option<&'static str> {
    match reach {
        Reach::Export => Some("export"),
        Reach::Import => Some("import"),
        Reach::Http(_)
        | Reach::Read
        | Reach::Event { .. }
        | Reach::Every(_)
        | Reach::Authenticate
        | Reach::Internal => None,
    }
}

/// The only function that is reached so.
fn only<'i>(
    interface: &'i Interface,
    reach: &Reach,
    complete: bool,
    found: &mut Vec<Found>,
) -> Option<&'i Arc<Function>> {
    let line = line(reach)?;
    let mut functions = interface.functions.iter().filter(|function| function.reach == *reach);
    let first = functions.next();
    if first.is_none() && complete {
        found.push((None, StateFault::Missing { line }));
    }
    let other = first.map(|first| first.name.wit.to_string()).unwrap_or_default();
    found.extend(functions.map(|more| (Some(Arc::clone(more)), StateFault::Twice { line, other: other.clone() })));
    first
}

/// The function and its entity, if the entity is a variant of the interface.
fn shaped<'f>(
    function: &'f Arc<Function>,
    interface: &str,
    entity: Option<&'f Arc<Variant>>,
    found: &mut Vec<Found>,
) -> Option<(&'f Arc<Function>, &'f Arc<Variant>)> {
    if let Some(entity) = entity.filter(|entity| *entity.interface == *interface) {
        return Some((function, entity));
    }
    let text = signature(function);
    let fault = match function.reach {
        Reach::Export => StateFault::ExportShape { found: text },
        _ => StateFault::ImportShape { found: text },
    };
    found.push((Some(Arc::clone(function)), fault));
    None
}

/// The entity of an export function; `None` if the function has another shape.
fn exported(function: &Function) -> Option<&Arc<Variant>> {
    let key = || Type::Option(Arc::new(Type::String));
    if function.fallible || !takes(function, &[("after", key()), ("until", key()), ("limit", Type::U32)]) {
        return None;
    }
    match value(function.ok.as_ref()?)? {
        Type::Variant(entity) => Some(entity),
        _ => None,
    }
}

/// The entity of an import function; `None` if the function has another shape.
fn imported(function: &Function) -> Option<&Arc<Variant>> {
    let [Field { name, ty, .. }] = function.parameters.as_slice() else { return None };
    if *name.wit != *"changes" || function.ok.is_some() || function.err != Some(Type::String) {
        return None;
    }
    match value(ty)? {
        Type::Option(inner) => match inner.as_ref() {
            Type::Variant(entity) => Some(entity),
            _ => None,
        },
        _ => None,
    }
}

fn takes(function: &Function, expected: &[(&str, Type)]) -> bool {
    let same = |(field, (name, ty)): (&Field, &(&str, Type))| *field.name.wit == **name && field.ty == *ty;
    function.parameters.len() == expected.len() && function.parameters.iter().zip(expected).all(same)
}

/// The type of `value` in a list of records of `key: string` and `value`.
fn value(list: &Type) -> Option<&Type> {
    let Type::List(element) = list else { return None };
    let Type::Record(record) = element.as_ref() else { return None };
    let [key, value] = record.fields.as_slice() else { return None };
    let named = *key.name.wit == *"key" && key.ty == Type::String && *value.name.wit == *"value";
    named.then_some(&value.ty)
}

/// The function as WIT writes it.
fn signature(function: &Function) -> String {
    let parameters: Vec<_> =
        function.parameters.iter().map(|field| format!("{}: {}", field.name.wit, field.ty)).collect();
    let own = |ty: &Option<Type>| ty.clone().map(Arc::new);
    let result = match (function.fallible, &function.ok) {
        (true, _) => format!(" -> {}", Type::Result { ok: own(&function.ok), err: own(&function.err) }),
        (false, Some(ok)) => format!(" -> {ok}"),
        (false, None) => String::new(),
    };
    format!("func({}){result}", parameters.join(", "))
}
