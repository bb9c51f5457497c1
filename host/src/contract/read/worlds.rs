//! Builds the worlds of the contracts from resolved WIT, and reports every mistake in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use wit_parser::{InterfaceId, Resolve, Span, TypeDefKind, TypeId, WorldId, WorldItem, WorldKey};

use super::clash::{Served, clashes, place};
use super::functions;
use super::mistake::{Fault, Mistake};
use super::source;
use super::state::{self, StateFault};
use super::types::{TypeReader, UnsupportedType, owner, unaliased};
use crate::contract::host::{self, ImportRule, Importer, STATE};
use crate::contract::types::{Case, Function, Interface, Reach, StateInterface, Type, World};

/// Reads every world.
///
/// # Errors
///
/// All mistakes, by file and line.
pub(in crate::contract) fn worlds(resolve: &Resolve) -> Result<Vec<Arc<World>>, Vec<Mistake>> {
    let mut reader = Reader::new(resolve);
    reader.types();
    reader.interfaces();
    reader.error_statuses();
    let worlds: Vec<_> = resolve.worlds.iter().filter_map(|(id, _)| reader.world(id)).collect();
    reader.clashes(&worlds);
    let mut found = reader.found;
    if found.is_empty() {
        return Ok(worlds.into_iter().map(Arc::new).collect());
    }
    found.sort_by_key(|found| found.order);
    found.dedup_by(|one, other| one.mistake == other.mistake);
    Err(found.into_iter().map(|found| found.mistake).collect())
}

/// A mistake, and its place in the list.
struct Found {
    order: u32,
    mistake: Mistake,
}

struct Reader<'a> {
    resolve: &'a Resolve,
    types: TypeReader<'a>,
    read: HashMap<InterfaceId, Interface>,
    /// The interfaces `state` of contracts; `None` for one with a mistake.
    states: HashMap<InterfaceId, Option<StateInterface>>,
    /// The location of each function.
    spans: HashMap<(Arc<str>, Arc<str>), Span>,
    /// The error types of functions, each with a function that sends it to clients.
    errors: BTreeMap<TypeId, Option<String>>,
    /// Cases with a malformed line: no other mistake in their status is reported.
    malformed: HashSet<(TypeId, String)>,
    found: Vec<Found>,
}

impl<'a> Reader<'a> {
    fn new(resolve: &'a Resolve) -> Self {
        Self {
            resolve,
            types: TypeReader::new(resolve),
            read: HashMap::new(),
            states: HashMap::new(),
            spans: HashMap::new(),
            errors: BTreeMap::new(),
            malformed: HashSet::new(),
            found: Vec::new(),
        }
    }

    fn mistake(&mut self, span: Span, place: String, fault: Fault) {
        let order = if span.is_known() { span.start() } else { u32::MAX };
        self.found.push(Found { order, mistake: Mistake::new(source::at(self.resolve, span), place, fault) });
    }

    /// Whether a contract declares the type, and not the host.
    fn in_contract(&self, id: TypeId) -> bool {
        let def = self.resolve.types.get(id);
        def.and_then(|def| owner(self.resolve, def.owner)).is_some_and(|owner| !host::is_host(&owner))
    }

    fn type_place(&self, id: TypeId, part: Option<&str>) -> String {
        let Some(def) = self.resolve.types.get(id) else { return String::new() };
        let owner = owner(self.resolve, def.owner).unwrap_or_default();
        let name = def.name.as_deref().unwrap_or_default();
        match part {
            Some(part) => format!("{owner} · {name} · {part}"),
            None => format!("{owner} · {name}"),
        }
    }

    /// Reports the mistakes in the named types of contracts, each once and at its location.
    fn types(&mut self) {
        let resolve = self.resolve;
        for (id, def) in resolve.types.iter() {
            if def.name.is_none() || !self.in_contract(id) {
                continue;
            }
            if let Err(UnsupportedType { fault, origin: Some((origin, part)), span }) =
                self.types.get(&wit_parser::Type::Id(id))
                && origin == id
            {
                self.mistake(span, self.type_place(id, part.as_deref()), *fault);
            }
        }
        for mistake in std::mem::take(&mut self.types.case_mistakes) {
            if self.in_contract(mistake.ty) {
                let place = self.type_place(mistake.ty, Some(&format!("case {}", mistake.case)));
                self.mistake(mistake.span, place, mistake.error.into());
                self.malformed.insert((mistake.ty, mistake.case));
            }
        }
    }

    fn interfaces(&mut self) {
        let resolve = self.resolve;
        for (id, interface) in resolve.interfaces.iter() {
            let Some(name) = interface.name.as_ref().and_then(|_| resolve.id_of(id)) else { continue };
            if !host::is_host(&name) {
                let read = self.interface(name.into(), interface);
                self.state(id, interface, &read);
                self.read.insert(id, read);
            }
        }
    }

    /// Reads an interface that is called `state`, and reports the lines of one in any other interface.
    fn state(&mut self, id: InterfaceId, interface: &wit_parser::Interface, read: &Interface) {
        let package = interface.package.and_then(|package| self.resolve.packages.get(package));
        let is_contract = package.is_some_and(|package| !package.worlds.is_empty());
        let faults = if is_contract && interface.name.as_deref() == Some(STATE) {
            let (state, faults) = match state::read(read, read.functions.len() == interface.functions.len()) {
                Ok(state) => (Some(state), Vec::new()),
                Err(faults) => (None, faults),
            };
            self.states.insert(id, state);
            faults
        } else {
            state::misplaced(read)
        };
        for (function, fault) in faults {
            match function {
                Some(function) => self.mistake(self.span(&function), place(&function), fault.into()),
                None => self.mistake(interface.span, read.name.to_string(), fault.into()),
            }
        }
    }

    fn interface(&mut self, name: Arc<str>, interface: &wit_parser::Interface) -> Interface {
        let mut functions = Vec::with_capacity(interface.functions.len());
        for function in interface.functions.values() {
            let read = functions::read(self.resolve, &self.types, &name, function);
            let place = || format!("{name} · {}", function.name);
            for fault in read.faults {
                self.mistake(function.span, place(), fault);
            }
            for unfit in read.unfit {
                // A mistake in a contract's own type is already reported at the type.
                if !unfit.origin.is_some_and(|(id, _)| self.in_contract(id)) {
                    self.mistake(function.span, place(), *unfit.fault);
                }
            }
            let public = read.function.as_ref().is_some_and(|read| matches!(read.reach, Reach::Http(_)));
            if let Some(error) = read.error {
                let sender = self.errors.entry(error).or_default();
                if public && sender.is_none() {
                    *sender = Some(place());
                }
            }
            self.spans.insert((Arc::clone(&name), function.name.as_str().into()), function.span);
            functions.extend(read.function.map(Arc::new));
        }
        Interface { name, functions }
    }

    /// Checks the statuses of error cases: if clients can see the error, either all of its cases have one or none; cases
    /// of other types have none.
    fn error_statuses(&mut self) {
        let resolve = self.resolve;
        for (id, def) in resolve.types.iter() {
            // An alias would repeat the mistake.
            if def.name.is_none() || !self.in_contract(id) || unaliased(resolve, id) != id {
                continue;
            }
            let Ok(ty) = self.types.get(&wit_parser::Type::Id(id)) else { continue };
            let cases: &[Case] = match &ty {
                Type::Variant(variant) => &variant.cases,
                Type::Enum(of) => &of.cases,
                _ => continue,
            };
            let spans: Vec<Span> = match &def.kind {
                TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| case.span).collect(),
                TypeDefKind::Enum(of) => of.cases.iter().map(|case| case.span).collect(),
                _ => continue,
            };
            let sender = self.errors.get(&id).cloned();
            let some_status = cases.iter().any(|case| case.status.is_some());
            for (case, span) in cases.iter().zip(spans) {
                if self.malformed.contains(&(id, case.name.to_string())) {
                    continue;
                }
                let fault = match &sender {
                    None => case.status.map(|_| Fault::StatusOfNoError),
                    Some(Some(function)) if some_status => error_case(case, function),
                    Some(_) => None,
                };
                if let Some(fault) = fault {
                    self.mistake(span, self.type_place(id, Some(&format!("case {}", case.name))), fault);
                }
            }
        }
    }

    /// Reads a world of a contract; `None` for the host's own.
    fn world(&mut self, id: WorldId) -> Option<World> {
        let resolve = self.resolve;
        let world = resolve.worlds.get(id)?;
        let name = resolve.id_of_name(world.package?, &world.name);
        if host::is_host(&name) {
            return None;
        }
        let exports = self.items(&name, world, &world.exports, |interface| {
            // The host describes the interfaces that it needs from every component in its own package.
            (!host::is_service(interface)).then(|| Fault::HostExport { interface: interface.into() })
        });
        let imports = self.items(&name, world, &world.imports, |interface| {
            let unknown = host::import_rule(interface, Importer::Service) == ImportRule::Unknown;
            unknown.then(|| Fault::HostImport { interface: interface.into() })
        });
        let docs = world.docs.contents.as_deref().unwrap_or_default().trim().into();
        let package = world.package.and_then(|package| resolve.packages.get(package));
        let state = package.and_then(|package| self.states.get(package.interfaces.get(STATE)?)?.clone());
        Some(World { name: name.into(), docs, exports, imports, state })
    }

    /// The interfaces of contracts that a world imports or exports, without those that have only types.
    fn items<'i>(
        &mut self,
        name: &str,
        world: &wit_parser::World,
        items: impl IntoIterator<Item = (&'i WorldKey, &'i WorldItem)>,
        refused: impl Fn(&str) -> Option<Fault>,
    ) -> Vec<Interface> {
        let mut interfaces = Vec::new();
        for (key, item) in items {
            let fault = match (key, item) {
                (WorldKey::Interface(id), _) if self.states.contains_key(id) => {
                    let interface = self.resolve.id_of(*id).unwrap_or_default();
                    Some(StateFault::InWorld { interface }.into())
                }
                (WorldKey::Interface(id), _) => match self.read.get(id) {
                    Some(interface) if interface.functions.is_empty() => None,
                    Some(interface) => {
                        interfaces.push(interface.clone());
                        None
                    }
                    None => refused(&self.resolve.id_of(*id).unwrap_or_default()),
                },
                (WorldKey::Name(name), WorldItem::Function(_)) => {
                    Some(Fault::NotInInterface { what: "function", name: name.clone() })
                }
                (WorldKey::Name(name), WorldItem::Interface { .. }) => {
                    Some(Fault::NotInInterface { what: "interface", name: name.clone() })
                }
                (WorldKey::Name(_), WorldItem::Type { .. }) => None,
            };
            if let Some(fault) = fault {
                // An indirect import has no location of its own.
                let span = if item.span().is_known() { item.span() } else { world.span };
                self.mistake(span, name.into(), fault);
            }
        }
        interfaces
    }

    /// Reports routes and functions that occur twice in one interface or one world.
    fn clashes(&mut self, worlds: &[World]) {
        let alone: Vec<_> = self.read.values().cloned().collect();
        let groups = alone.iter().map(std::slice::from_ref).chain(worlds.iter().map(|world| &world.exports[..]));
        let mut found = Vec::new();
        for group in groups {
            let functions = group.iter().flat_map(|interface| &interface.functions);
            let served: Vec<_> =
                functions.map(|function| Served { place: place(function), function: function.as_ref() }).collect();
            for (index, fault) in clashes(&served) {
                let Some(Served { place, function }) = served.get(index) else { continue };
                found.push((self.span(function), place.clone(), fault));
            }
        }
        for (span, place, fault) in found {
            self.mistake(span, place, fault);
        }
    }

    fn span(&self, function: &Function) -> Span {
        let key = (Arc::clone(&function.interface), Arc::clone(&function.name.wit));
        self.spans.get(&key).copied().unwrap_or_default()
    }
}

/// The mistake in an error case that clients see as a problem document, if it has one.
fn error_case(case: &Case, function: &str) -> Option<Fault> {
    if case.status.is_none() {
        return Some(Fault::NoStatus { function: function.into() });
    }
    match &case.ty {
        None | Some(Type::String) => None,
        Some(Type::Record(record)) => {
            let hides = |name: &str| matches!(name, "type" | "title" | "status" | "instance");
            let field = record.fields.iter().find(|field| hides(&field.name.json))?;
            Some(Fault::ErrorMember { field: field.name.wit.to_string() })
        }
        Some(ty) => Some(Fault::ErrorPayload { function: function.into(), ty: ty.to_string() }),
    }
}
