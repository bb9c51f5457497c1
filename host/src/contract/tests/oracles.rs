//! Others' answers to the same questions: wac-types, wit-component's `semver_check` and wasmtime.

use std::collections::HashSet;

use wac_types::{ItemKind, Package, SubtypeChecker, Types};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker};
use wit_component::semver_check;
use wit_parser::Resolve;

use super::component;

/// Whether wac-types takes the component of `world` in `candidate` for a subtype of that in `live`: for one that can be
/// used wherever the other is. It knows nothing of versions, so they are made equal.
pub(super) fn wac_subtype(live: &str, candidate: &str, world: &str) -> bool {
    let read = |text: &str| {
        let mut types = Types::new();
        let bytes = component(&[&with_version(text, "1.0.0")], world);
        let package = Package::from_bytes("component", None, bytes, &mut types).expect("it is a component");
        (ItemKind::Component(package.ty()), types)
    };
    let ((candidate, candidate_types), (live, live_types)) = (read(candidate), read(live));
    let mut equal = HashSet::new();
    SubtypeChecker::new(&mut equal).is_subtype(candidate, &candidate_types, live, &live_types).is_ok()
}

/// Whether wit-component takes the live world for one that components of the candidate's world can run in. It leaves
/// versions out itself.
pub(super) fn semver_compatible(live: &str, candidate: &str, world: &str) -> bool {
    let mut resolve = Resolve::default();
    let mut push = |text: &str, version: &str| {
        let package = resolve.push_str("shop.wit", &with_version(text, version)).expect("it is WIT");
        resolve.select_world(&[package], Some(world)).expect("the world is there")
    };
    let (live, candidate) = (push(live, "1.0.0"), push(candidate, "1.0.1"));
    semver_check(resolve, candidate, live).is_ok()
}

/// The first package's version, replaced everywhere; a package without one gets it.
fn with_version(text: &str, version: &str) -> String {
    let (head, body) = text.split_once(';').expect("a package begins with its name");
    let name = head.split('@').next().expect("a text has a first part");
    format!("{name}@{version};{body}")
}

/// A component as wasmtime sees it.
pub(super) struct Linked {
    engine: Engine,
    component: Component,
}

impl Linked {
    pub(super) fn new(engine: &Engine, bytes: &[u8]) -> Self {
        let component = Component::new(engine, bytes).expect("wasmtime takes it");
        Self { engine: engine.clone(), component }
    }

    /// Whether `candidate` gets along with the imports that this one has, and wasmtime finds in it every function that
    /// this one exports, with equal types.
    pub(super) fn is_replaced_by(&self, candidate: &Self) -> bool {
        let mut linker = Linker::<()>::new(&self.engine);
        for (name, item) in self.component.component_type().imports(&self.engine) {
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            let mut offered = linker.instance(name).expect("names are unique");
            for (name, item) in instance.exports(&self.engine) {
                if let ComponentItem::ComponentFunc(_) = item.ty {
                    offered.func_new(name, |_, _, _, _| Ok(())).expect("names are unique");
                }
            }
        }
        linker.instantiate_pre(&candidate.component).is_ok() && candidate.has(self.functions(Side::Exported))
    }

    /// Whether wasmtime finds in `callee` every function of `interface` that this one imports, with equal types.
    pub(super) fn can_call(&self, callee: &Self, interface: &str) -> bool {
        let functions = self.functions(Side::Imported).into_iter();
        callee.has(functions.filter(|(name, ..)| name.split('@').next() == Some(interface)).collect())
    }

    fn has(&self, functions: Vec<(String, String, ComponentFunc)>) -> bool {
        functions.into_iter().all(|(interface, name, expected)| {
            let instance = self.component.get_export_index(None, &interface);
            let found = instance.and_then(|instance| self.component.get_export(Some(&instance), &name));
            match found {
                Some((ComponentItem::ComponentFunc(found), _)) => {
                    expected.params().eq(found.params()) && expected.results().eq(found.results())
                }
                _ => false,
            }
        })
    }

    /// Interface, name and type of each function.
    fn functions(&self, side: Side) -> Vec<(String, String, ComponentFunc)> {
        let ty = self.component.component_type();
        let items: Vec<_> = match side {
            Side::Imported => ty.imports(&self.engine).collect(),
            Side::Exported => ty.exports(&self.engine).collect(),
        };
        let mut functions = Vec::new();
        for (interface, item) in items {
            let ComponentItem::ComponentInstance(instance) = item.ty else { continue };
            for (name, item) in instance.exports(&self.engine) {
                if let ComponentItem::ComponentFunc(ty) = item.ty {
                    functions.push((interface.to_owned(), name.to_owned(), ty));
                }
            }
        }
        functions
    }
}

#[derive(Clone, Copy)]
enum Side {
    Imported,
    Exported,
}
