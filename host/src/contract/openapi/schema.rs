//! JSON schemas of a contract's types, in the forms that `value` reads and writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::description::described;
use super::example::Examples;
use super::{error_members, naming, problem};
use crate::contract::types::{Case, Field, Flags, Function, Reach, Record, Type};

/// The named types, each once, even if several services use them.
pub(super) struct Schemas {
    types: BTreeMap<TypeId, (String, Type)>,
    examples: Examples,
}

/// The interface and the WIT name of a type.
type TypeId = (Arc<str>, Arc<str>);

impl Schemas {
    /// Collects the parameter and result types of `functions`.
    pub(super) fn new<'f>(functions: impl Iterator<Item = &'f Function>) -> Self {
        let mut types = BTreeMap::new();
        for function in functions {
            if matches!(function.reach, Reach::Http(_)) {
                let parameters = function.parameters.iter().map(|parameter| &parameter.ty);
                let members = error_members::members(function).map(|field| &field.ty);
                parameters.chain(&function.ok).chain(members).for_each(|ty| collect(ty, &mut types));
            }
        }
        let ids: Vec<_> = types.keys().cloned().collect();
        let names = naming::distinct(&ids, &[problem::SCHEMA], |(interface, name), level| match level {
            0 => naming::pascal(&[name]),
            1 => naming::pascal(&[naming::interface_name(interface), name]),
            2 => naming::pascal(&[naming::package_name(interface), naming::interface_name(interface), name]),
            _ => format!("{interface}.{name}").replace([':', '/', '@'], ".").replace('+', "_"),
        });
        let mut examples = Examples::default();
        for ty in types.values() {
            if let Type::Record(record) = ty {
                record.fields.iter().for_each(|field| examples.add(field));
            }
        }
        let named = types.into_iter().zip(names).map(|((id, ty), name)| (id, (name, ty)));
        Self { types: named.collect(), examples }
    }

    pub(super) fn examples(&self) -> &Examples {
        &self.examples
    }

    /// The schemas of all named types, and of problem documents.
    pub(super) fn document(&self) -> Json {
        let mut named: BTreeMap<&str, Json> = BTreeMap::from([(problem::SCHEMA, problem::schema())]);
        named.extend(self.types.values().map(|(name, ty)| (name.as_str(), self.definition(ty))));
        json!(named)
    }

    /// The schema of a value that is present: for an option, of its inner type.
    pub(super) fn present(&self, ty: &Type) -> Json {
        match ty {
            Type::Option(inner) => match &**inner {
                Type::Option(_) => single("some", self.schema(inner)),
                _ => self.schema(inner),
            },
            _ => self.schema(ty),
        }
    }

    pub(super) fn schema(&self, ty: &Type) -> Json {
        match (ty, id(ty).and_then(|id| self.types.get(&id))) {
            (_, Some((name, _))) => json!({ "$ref": format!("#/components/schemas/{name}") }),
            (Type::Option(_), _) => json!({ "anyOf": [self.present(ty), { "type": "null" }] }),
            _ => self.definition(ty),
        }
    }

    pub(super) fn field(&self, field: &Field) -> Json {
        described(self.present(&field.ty), &field.docs)
    }

    fn definition(&self, ty: &Type) -> Json {
        match ty {
            Type::Bool => json!({ "type": "boolean" }),
            Type::S8 => integer("int8", i8::MIN, i8::MAX),
            Type::U8 => integer("uint8", u8::MIN, u8::MAX),
            Type::S16 => integer("int16", i16::MIN, i16::MAX),
            Type::U16 => integer("uint16", u16::MIN, u16::MAX),
            Type::S32 => integer("int32", i32::MIN, i32::MAX),
            Type::U32 => integer("uint32", u32::MIN, u32::MAX),
            Type::S64 => long_integer("int64", i64::MIN, i64::MAX, "^(0|-?[1-9][0-9]{0,18})$"),
            Type::U64 => long_integer("uint64", u64::MIN, u64::MAX, "^(0|[1-9][0-9]{0,19})$"),
            Type::F32 => json!({ "type": "number", "format": "float" }),
            Type::F64 => json!({ "type": "number", "format": "double" }),
            Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Type::String => json!({ "type": "string" }),
            Type::List(item) if **item == Type::U8 => json!({ "type": "string", "contentEncoding": "base64" }),
            Type::List(item) => json!({ "type": "array", "items": self.schema(item) }),
            Type::FixedList(item, length) => {
                json!({ "type": "array", "items": self.schema(item), "minItems": length, "maxItems": length })
            }
            Type::Tuple(items) if items.is_empty() => json!({ "type": "array", "maxItems": 0 }),
            Type::Tuple(items) => {
                let schemas: Vec<_> = items.iter().map(|item| self.schema(item)).collect();
                json!({ "type": "array", "prefixItems": schemas, "items": false, "minItems": items.len() })
            }
            Type::Option(_) => self.schema(ty),
            Type::Result { ok, err } => {
                let case = |name: &str, ty: Option<&Type>| self.case(name, ty, "");
                json!({ "oneOf": [case("ok", ok.as_deref()), case("err", err.as_deref())] })
            }
            Type::Record(record) => self.record(record),
            Type::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| self.case(&case.name, case.ty.as_ref(), &case.docs));
                described(json!({ "oneOf": cases.collect::<Vec<_>>() }), &variant.docs)
            }
            Type::Enum(cases) => enumeration(&cases.docs, &cases.cases),
            Type::Flags(flags) => flag_set(flags),
        }
    }

    fn record(&self, record: &Record) -> Json {
        let mut schema = described(json!({ "type": "object" }), &record.docs);
        let properties: Map<_, _> =
            record.fields.iter().map(|field| (field.name.json.to_string(), self.field(field))).collect();
        schema["properties"] = properties.into();
        let required: Vec<_> = record.fields.iter().filter(|field| is_required(field)).collect();
        if !required.is_empty() {
            schema["required"] = required.iter().map(|field| Json::from(&*field.name.json)).collect();
        }
        schema["additionalProperties"] = false.into();
        schema
    }

    fn case(&self, name: &str, payload: Option<&Type>, docs: &str) -> Json {
        let schema = match payload {
            Some(payload) => single(name, self.schema(payload)),
            None => json!({ "const": name }),
        };
        described(schema, docs)
    }
}

/// Whether a record or a request without the field is rejected.
pub(super) fn is_required(field: &Field) -> bool {
    !matches!(field.ty, Type::Option(_))
}

fn integer(format: &str, min: impl Into<Json>, max: impl Into<Json>) -> Json {
    json!({ "type": "integer", "format": format, "minimum": min.into(), "maximum": max.into() })
}

/// An integer that is written as a string if a binary64 number may not represent it.
fn long_integer(format: &str, min: impl Into<Json>, max: impl Into<Json>, pattern: &str) -> Json {
    let mut schema = integer(format, min, max);
    schema["type"] = json!(["integer", "string"]);
    schema["pattern"] = pattern.into();
    schema
}

/// An object with one member.
fn single(name: &str, schema: Json) -> Json {
    json!({ "type": "object", "properties": { name: schema }, "required": [name], "additionalProperties": false })
}

fn enumeration(docs: &str, cases: &[Case]) -> Json {
    let mut docs = docs.to_owned();
    for case in cases.iter().filter(|case| !case.docs.is_empty()) {
        docs.push_str(if docs.is_empty() { "" } else { "\n" });
        docs.push_str(&format!("- `{}`: {}", case.name, case.docs.replace('\n', " ")));
    }
    let names: Vec<_> = cases.iter().map(|case| &case.name).collect();
    described(json!({ "type": "string", "enum": names }), &docs)
}

fn flag_set(flags: &Flags) -> Json {
    let names: Vec<_> = flags.flags.iter().map(|name| &name.json).collect();
    let schema = json!({ "type": "array", "items": { "type": "string", "enum": names }, "uniqueItems": true });
    described(schema, &flags.docs)
}

fn id(ty: &Type) -> Option<TypeId> {
    let (interface, name) = match ty {
        Type::Record(named) => (&named.interface, &named.name),
        Type::Variant(named) => (&named.interface, &named.name),
        Type::Enum(named) => (&named.interface, &named.name),
        Type::Flags(named) => (&named.interface, &named.name),
        _ => return None,
    };
    Some((Arc::clone(interface), Arc::clone(name)))
}

/// Adds the named types in `ty` to `types`, each once.
fn collect(ty: &Type, types: &mut BTreeMap<TypeId, Type>) {
    if let Some(id) = id(ty)
        && types.insert(id, ty.clone()).is_some()
    {
        return;
    }
    match ty {
        Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => collect(inner, types),
        Type::Tuple(items) => items.iter().for_each(|item| collect(item, types)),
        Type::Result { ok, err } => ok.iter().chain(err).for_each(|inner| collect(inner, types)),
        Type::Record(record) => record.fields.iter().for_each(|field| collect(&field.ty, types)),
        Type::Variant(variant) => variant.cases.iter().flat_map(|case| &case.ty).for_each(|ty| collect(ty, types)),
        _ => {}
    }
}
