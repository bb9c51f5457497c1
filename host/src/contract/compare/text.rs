//! The types of one surface: where they were declared, and their WIT text, cut to the length that a verdict can hold.

use std::collections::HashMap;

use wac_types::{DefinedType, DefinedTypeId, FuncType, FuncTypeId, ItemKind, Type, Types, ValueType};

use crate::limits::VERDICT_TEXT_CHARS_MAX;

/// The types of one surface, with the names that interfaces give them.
#[derive(Debug)]
pub(super) struct TypeTexts<'a> {
    pub(super) types: &'a Types,
    names: HashMap<DefinedTypeId, &'a str>,
    /// Maps a type that an interface uses from another interface to the original type.
    origins: HashMap<DefinedTypeId, DefinedTypeId>,
}

impl<'a> TypeTexts<'a> {
    pub(super) fn new(types: &'a Types) -> Self {
        let (mut names, mut origins) = (HashMap::new(), HashMap::new());
        for interface in types.interfaces() {
            for (name, kind) in &interface.exports {
                if let Some(id) = defined(kind) {
                    names.entry(id).or_insert(name.as_str());
                }
            }
            for (name, used) in &interface.uses {
                let original = types[used.interface].exports.get(used.name.as_ref().unwrap_or(name));
                let ids = (interface.exports.get(name).and_then(defined), original.and_then(defined));
                if let (Some(id), Some(origin)) = ids {
                    origins.insert(id, origin);
                }
            }
        }
        Self { types, names, origins }
    }

    /// The same type where it was declared.
    pub(super) fn origin(&self, id: DefinedTypeId) -> DefinedTypeId {
        self.origins.get(&id).copied().unwrap_or(id)
    }

    /// The text of a type: its name, if it has one.
    pub(super) fn value(&self, ty: ValueType) -> String {
        let mut text = String::new();
        self.write(ty, &mut text);
        cut(&text)
    }

    /// The definition of a named type.
    pub(super) fn definition(&self, ty: Type) -> String {
        let mut text = String::new();
        match ty {
            Type::Value(ValueType::Defined(id)) => self.write_definition(id, &mut text),
            Type::Value(ty) => self.write(ty, &mut text),
            other => text.push_str(other.desc(self.types)),
        }
        cut(&text)
    }

    /// A function as WIT writes it, without its name.
    pub(super) fn function(&self, function: FuncTypeId) -> String {
        self.signature(&self.types[function])
    }

    pub(super) fn signature(&self, function: &FuncType) -> String {
        let mut text = String::from(if function.is_async { "async func(" } else { "func(" });
        for (index, (name, ty)) in function.params.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            text.push_str(name);
            text.push_str(": ");
            self.write(*ty, &mut text);
        }
        text.push(')');
        if let Some(result) = function.result {
            text.push_str(" -> ");
            self.write(result, &mut text);
        }
        cut(&text)
    }

    fn write(&self, ty: ValueType, text: &mut String) {
        // A type of a few bytes can be a megabyte of text.
        if text.len() > VERDICT_TEXT_CHARS_MAX * 4 {
            return;
        }
        match ty {
            ValueType::Primitive(primitive) => text.push_str(primitive.desc()),
            ValueType::Borrow(id) => {
                let resource = &self.types[self.types.resolve_resource(id)];
                text.push_str(&format!("borrow<{}>", resource.name));
            }
            ValueType::Own(id) => text.push_str(&self.types[self.types.resolve_resource(id)].name),
            ValueType::Defined(id) => match self.names.get(&id) {
                Some(name) => text.push_str(name),
                None => self.write_definition(id, text),
            },
        }
    }

    fn write_definition(&self, id: DefinedTypeId, text: &mut String) {
        match &self.types[id] {
            DefinedType::Alias(ty) => self.write(*ty, text),
            DefinedType::List(ty) => self.generic("list", &[Some(*ty)], text),
            DefinedType::Option(ty) => self.generic("option", &[Some(*ty)], text),
            DefinedType::Tuple(types) => {
                self.generic("tuple", &types.iter().map(|ty| Some(*ty)).collect::<Vec<_>>(), text);
            }
            DefinedType::Map(key, value) => self.generic("map", &[Some(*key), Some(*value)], text),
            DefinedType::Result { ok: None, err: None } => text.push_str("result"),
            DefinedType::Result { ok: Some(ok), err: None } => self.generic("result", &[Some(*ok)], text),
            DefinedType::Result { ok, err } => self.generic("result", &[*ok, *err], text),
            DefinedType::Stream(ty) => self.generic("stream", &[*ty], text),
            DefinedType::Future(ty) => self.generic("future", &[*ty], text),
            DefinedType::FixedSizeList(ty, length) => {
                text.push_str("list<");
                self.write(*ty, text);
                text.push_str(&format!(", {length}>"));
            }
            DefinedType::Record(record) => members("record", record.fields.keys(), text),
            DefinedType::Variant(variant) => members("variant", variant.cases.keys(), text),
            DefinedType::Enum(cases) => members("enum", &cases.0, text),
            DefinedType::Flags(flags) => members("flags", &flags.0, text),
        }
    }

    fn generic(&self, name: &str, types: &[Option<ValueType>], text: &mut String) {
        text.push_str(name);
        for (index, ty) in types.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "<" });
            match ty {
                Some(ty) => self.write(*ty, text),
                None => text.push('_'),
            }
        }
        text.push('>');
    }
}

fn defined(kind: &ItemKind) -> Option<DefinedTypeId> {
    match kind {
        ItemKind::Type(Type::Value(ValueType::Defined(id))) => Some(*id),
        _ => None,
    }
}

fn members<'n>(kind: &str, names: impl IntoIterator<Item = &'n String>, text: &mut String) {
    let names: Vec<_> = names.into_iter().take(VERDICT_TEXT_CHARS_MAX).map(String::as_str).collect();
    text.push_str(&format!("{kind} {{ {} }}", names.join(", ")));
}

/// Shortens a text to the length that a verdict can hold.
pub(in crate::contract) fn cut(text: &str) -> String {
    match text.char_indices().nth(VERDICT_TEXT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
