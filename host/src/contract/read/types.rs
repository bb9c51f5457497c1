//! Turns the types of wit-parser into contract types, and reports the types that a contract cannot have.

use std::collections::HashMap;
use std::sync::Arc;

use wit_parser::{Docs, Resolve, Span, TypeDefKind, TypeId, TypeOwner};

use super::line;
use super::line_error::LineError;
use super::mistake::Fault;
use crate::contract::types::{Case, Enum, Field, Flags, Name, Record, Type, Variant};
use crate::limits::VALUE_DEPTH_MAX;

/// Why a type cannot be in a contract.
#[derive(Debug, Clone)]
pub(in crate::contract) struct UnsupportedType {
    pub(in crate::contract) fault: Box<Fault>,
    /// The named type that contains it, with the field or case; `None` if it is in no named type.
    pub(in crate::contract) origin: Option<(TypeId, Option<String>)>,
    pub(in crate::contract) span: Span,
}

/// A malformed line in the doc comment of a case. The type itself is valid.
#[derive(Debug)]
pub(in crate::contract) struct CaseMistake {
    pub(in crate::contract) ty: TypeId,
    pub(in crate::contract) case: String,
    pub(in crate::contract) span: Span,
    pub(in crate::contract) error: LineError,
}

#[derive(Debug, Clone)]
struct Known {
    ty: Type,
    /// The nesting depth of the type; a string has 1.
    depth: usize,
}

/// All types of a resolve, read once.
#[derive(Debug)]
pub(in crate::contract) struct TypeReader<'a> {
    resolve: &'a Resolve,
    known: HashMap<TypeId, Result<Known, UnsupportedType>>,
    pub(in crate::contract) case_mistakes: Vec<CaseMistake>,
}

type Read<T> = Result<T, UnsupportedType>;

impl<'a> TypeReader<'a> {
    /// Reads every type, and the types that others contain first: so nothing here recurses deeper than one level.
    pub(in crate::contract) fn new(resolve: &'a Resolve) -> Self {
        let mut reader = Self { resolve, known: HashMap::new(), case_mistakes: Vec::new() };
        for (id, _) in resolve.types.iter() {
            let known = reader.define(id);
            reader.known.insert(id, known);
        }
        reader
    }

    /// The contract type of `ty`.
    pub(in crate::contract) fn get(&self, ty: &wit_parser::Type) -> Read<Type> {
        self.known(ty).map(|known| known.ty)
    }

    fn known(&self, ty: &wit_parser::Type) -> Read<Known> {
        use wit_parser::Type as Wit;
        let simple = |ty| Ok(Known { ty, depth: 1 });
        match ty {
            Wit::Bool => simple(Type::Bool),
            Wit::U8 => simple(Type::U8),
            Wit::U16 => simple(Type::U16),
            Wit::U32 => simple(Type::U32),
            Wit::U64 => simple(Type::U64),
            Wit::S8 => simple(Type::S8),
            Wit::S16 => simple(Type::S16),
            Wit::S32 => simple(Type::S32),
            Wit::S64 => simple(Type::S64),
            Wit::F32 => simple(Type::F32),
            Wit::F64 => simple(Type::F64),
            Wit::Char => simple(Type::Char),
            Wit::String => simple(Type::String),
            Wit::ErrorContext => Err(unfit(Fault::NoValue { kind: "an error-context" }, Span::default())),
            Wit::Id(id) => match self.known.get(id) {
                Some(known) => known.clone(),
                // wit-parser promises to list a type after all types that it contains.
                None => Err(unfit(Fault::TooDeep, Span::default())),
            },
        }
    }

    fn define(&mut self, id: TypeId) -> Read<Known> {
        let resolve = self.resolve;
        let Some(def) = resolve.types.get(id) else { return Err(unfit(Fault::Resource, Span::default())) };
        let known = match &def.kind {
            TypeDefKind::Type(ty) => self.known(ty),
            TypeDefKind::List(ty) => self.wrap(ty, Type::List),
            TypeDefKind::Option(ty) => self.wrap(ty, Type::Option),
            TypeDefKind::FixedLengthList(ty, length) => self.wrap(ty, |ty| Type::FixedList(ty, *length)),
            TypeDefKind::Tuple(tuple) => self.tuple(&tuple.types),
            TypeDefKind::Result(result) => self.result(result),
            TypeDefKind::Record(record) => self.record(id, record),
            TypeDefKind::Variant(variant) => self.variant(id, variant),
            TypeDefKind::Enum(of) => Ok(self.enumeration(id, of)),
            TypeDefKind::Flags(flags) => self.flags(id, flags),
            TypeDefKind::Resource | TypeDefKind::Handle(_) => Err(unfit(Fault::Resource, def.span)),
            TypeDefKind::Stream(_) => Err(unfit(Fault::NoValue { kind: "a stream" }, def.span)),
            TypeDefKind::Future(_) => Err(unfit(Fault::NoValue { kind: "a future" }, def.span)),
            TypeDefKind::Map(..) => Err(unfit(Fault::Map, def.span)),
            TypeDefKind::Unknown => Err(unfit(Fault::NoValue { kind: "a type of unknown shape" }, def.span)),
        };
        let known = known.and_then(|known| match known.depth {
            0..=VALUE_DEPTH_MAX => Ok(known),
            _ => Err(unfit(Fault::TooDeep, def.span)),
        });
        known.map_err(|unfit| if def.name.is_some() { within(unfit, id, None, def.span) } else { unfit })
    }

    fn wrap(&self, ty: &wit_parser::Type, make: impl FnOnce(Arc<Type>) -> Type) -> Read<Known> {
        let inner = self.known(ty)?;
        Ok(Known { ty: make(Arc::new(inner.ty)), depth: inner.depth + 1 })
    }

    fn tuple(&self, types: &[wit_parser::Type]) -> Read<Known> {
        let inner = types.iter().map(|ty| self.known(ty)).collect::<Read<Vec<_>>>()?;
        let depth = deepest(inner.iter().map(|known| known.depth)) + 1;
        Ok(Known { ty: Type::Tuple(inner.into_iter().map(|known| known.ty).collect()), depth })
    }

    fn result(&self, result: &wit_parser::Result_) -> Read<Known> {
        let ok = result.ok.as_ref().map(|ty| self.known(ty)).transpose()?;
        let err = result.err.as_ref().map(|ty| self.known(ty)).transpose()?;
        let depth = deepest([&ok, &err].into_iter().flatten().map(|known| known.depth)) + 1;
        let share = |known: Option<Known>| known.map(|known| Arc::new(known.ty));
        Ok(Known { ty: Type::Result { ok: share(ok), err: share(err) }, depth })
    }

    fn record(&self, id: TypeId, record: &wit_parser::Record) -> Read<Known> {
        let mut depth = 0;
        let mut fields = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let part = || Some(format!("field {}", field.name));
            let known = self.known(&field.ty).map_err(|unfit| within(unfit, id, part(), field.span))?;
            depth = depth.max(known.depth);
            let (docs, opaque) = line::field_docs(field.docs.contents.as_deref().unwrap_or_default());
            fields.push(Field { name: Name::new(&field.name), ty: known.ty, docs: docs.into(), opaque });
        }
        once_in_json(fields.iter().map(|field| &field.name)).map_err(|fault| unfit(fault, self.span(id)))?;
        let (name, interface, docs) = self.named(id);
        Ok(Known { ty: Type::Record(Arc::new(Record { name, interface, docs, fields })), depth: depth + 1 })
    }

    fn variant(&mut self, id: TypeId, variant: &wit_parser::Variant) -> Read<Known> {
        let mut depth = 0;
        let mut cases = Vec::with_capacity(variant.cases.len());
        for case in &variant.cases {
            let part = || Some(format!("case {}", case.name));
            let known = case.ty.as_ref().map(|ty| self.known(ty)).transpose();
            let known = known.map_err(|unfit| within(unfit, id, part(), case.span))?;
            depth = depth.max(known.as_ref().map_or(0, |known| known.depth));
            cases.push(self.case(id, &case.name, known.map(|known| known.ty), &case.docs, case.span));
        }
        let (name, interface, docs) = self.named(id);
        Ok(Known { ty: Type::Variant(Arc::new(Variant { name, interface, docs, cases })), depth: depth + 1 })
    }

    fn enumeration(&mut self, id: TypeId, of: &wit_parser::Enum) -> Known {
        let cases = of.cases.iter().map(|case| self.case(id, &case.name, None, &case.docs, case.span)).collect();
        let (name, interface, docs) = self.named(id);
        Known { ty: Type::Enum(Arc::new(Enum { name, interface, docs, cases })), depth: 1 }
    }

    fn flags(&self, id: TypeId, flags: &wit_parser::Flags) -> Read<Known> {
        let flags: Vec<_> = flags.flags.iter().map(|flag| Name::new(&flag.name)).collect();
        once_in_json(flags.iter()).map_err(|fault| unfit(fault, self.span(id)))?;
        let (name, interface, docs) = self.named(id);
        Ok(Known { ty: Type::Flags(Arc::new(Flags { name, interface, docs, flags })), depth: 1 })
    }

    fn case(&mut self, id: TypeId, name: &str, ty: Option<Type>, docs: &Docs, span: Span) -> Case {
        let (docs, status) = line::case_docs(docs.contents.as_deref().unwrap_or_default());
        let status = status.unwrap_or_else(|error| {
            self.case_mistakes.push(CaseMistake { ty: id, case: name.into(), span, error });
            None
        });
        Case {
            name: name.into(),
            ty,
            docs: docs.into(),
            status: status.map(|status| status.code),
            commits: status.is_some_and(|status| status.commits),
        }
    }

    fn span(&self, id: TypeId) -> Span {
        self.resolve.types.get(id).map_or_else(Span::default, |def| def.span)
    }

    /// The name, owner and docs of a type.
    fn named(&self, id: TypeId) -> (Arc<str>, Arc<str>, Arc<str>) {
        let Some(def) = self.resolve.types.get(id) else { return ("".into(), "".into(), "".into()) };
        let owner = owner(self.resolve, def.owner).unwrap_or_default();
        (def.name.as_deref().unwrap_or_default().into(), owner.into(), text(&def.docs))
    }
}

/// The full name of the interface or world that declares a type.
pub(in crate::contract) fn owner(resolve: &Resolve, owner: TypeOwner) -> Option<String> {
    match owner {
        TypeOwner::Interface(id) => resolve.id_of(id),
        TypeOwner::World(id) => {
            let world = resolve.worlds.get(id)?;
            Some(resolve.id_of_name(world.package?, &world.name))
        }
        TypeOwner::None => None,
    }
}

/// The type behind an alias or a `use`.
pub(in crate::contract) fn unaliased(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let Some(TypeDefKind::Type(wit_parser::Type::Id(next))) = resolve.types.get(id).map(|def| &def.kind) {
        id = *next;
    }
    id
}

/// Checks that the names of one object differ in JSON too.
pub(in crate::contract) fn once_in_json<'a>(names: impl Iterator<Item = &'a Name>) -> Result<(), Fault> {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for Name { wit, json } in names {
        if let Some(first) = seen.insert(json, wit) {
            let (first, second, json) = (first.to_owned(), wit.to_string(), json.to_string());
            return Err(Fault::JsonNameTwice { first, second, json });
        }
    }
    Ok(())
}

fn text(docs: &Docs) -> Arc<str> {
    docs.contents.as_deref().unwrap_or_default().trim().into()
}

fn deepest(depths: impl Iterator<Item = usize>) -> usize {
    depths.max().unwrap_or(0)
}

fn unfit(fault: Fault, span: Span) -> UnsupportedType {
    UnsupportedType { fault: Box::new(fault), origin: None, span }
}

/// Adds the named type that contains the mistake, unless an inner type is already recorded.
fn within(mut unfit: UnsupportedType, id: TypeId, part: Option<String>, span: Span) -> UnsupportedType {
    if unfit.origin.is_none() {
        unfit.origin = Some((id, part));
        unfit.span = span;
    }
    unfit
}
