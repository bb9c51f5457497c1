//! Oracles: the answers of wac-types, wit-component's `semver_check` and wasmtime to the same questions.

use std::collections::HashSet;

use wac_types::{ItemKind, Package, SubtypeChecker, Types};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker};
use wit_component::semver_check;
use wit_parser::Resolve;

use super::shop::{Edit, SHOP, TOTAL_ALONE, edited, judged};
use super::{SERVICE, component, read, try_component};
use crate::contract::{Compatibility, Contracts, Level, OutboundHttp, Surface};

const CART: &str = "cart-service";

/// The live cart and its neighbours. `mail` calls only `total`; `web` subscribes to events.
pub(super) struct Shop {
    engine: Engine,
    contracts: Contracts,
    live: Linked,
    neighbours: [(&'static str, Surface, Linked); 3],
}

/// Our judgement, and those of the oracles.
pub(super) struct Beside {
    pub(super) found: Compatibility,
    pub(super) wac: bool,
    pub(super) semver: bool,
    /// Points where our judgement accepts the candidate and an oracle does not.
    pub(super) faults: Vec<String>,
}

impl Shop {
    pub(super) fn new() -> Self {
        let engine = Engine::default();
        let deaf: &[Edit<'_>] = &[("import cart; export events;", "export events;")];
        let neighbours = [("mail", TOTAL_ALONE), ("payment", &[]), ("web", deaf)].map(|(name, edits)| {
            let bytes = edited(&format!("{name}-service"), edits);
            (name, Surface::read(&bytes).unwrap(), Linked::new(&engine, &bytes))
        });
        let contracts = read(&[SHOP, SERVICE]).unwrap_or_else(|error| panic!("{error}"));
        Self { live: Linked::new(&engine, &edited("cart-service", &[])), engine, contracts, neighbours }
    }

    /// Judges whether the cart of `wit` can replace the shop's cart; `None` if it is not WIT.
    pub(super) fn judge(&self, wit: &str) -> Option<Beside> {
        let bytes = try_component(&[wit], CART).ok()?;
        let candidate = Surface::read(&bytes).unwrap();
        let neighbours: Vec<_> = self.neighbours.iter().map(|(name, surface, _)| (*name, surface)).collect();
        let found = judged(&candidate, &neighbours);
        let (wac, semver) = (wac_subtype(SHOP, wit), semver_compatible(SHOP, wit));
        let mut faults = Vec::new();
        let linked = Linked::new(&self.engine, &bytes);
        if found.level == Level::DropIn {
            let world = self.contracts.world(&format!("a:shop/{CART}")).unwrap();
            let verdict = self.contracts.judge_surface(&world, Ok(&candidate), OutboundHttp::Refused);
            let says = [
                ("wac-types", wac),
                ("semver_check", semver),
                ("the contract", verdict.accepted),
                ("wasmtime", self.live.is_replaced_by(&linked)),
            ];
            faults.extend(says.iter().filter(|(_, yes)| !yes).map(|(who, _)| format!("no drop-in, says {who}")));
        }
        let [(.., mail), (.., payment), (.., web)] = &self.neighbours;
        let fits = mail.can_call(&linked, "a:shop/cart")
            && linked.can_call(payment, "a:shop/payment")
            && linked.can_call(web, "a:shop/events");
        if found.breaks.is_empty() != fits {
            faults.push(format!("wasmtime says that the neighbours fit: {fits}"));
        }
        Some(Beside { found, wac, semver, faults })
    }
}

/// Whether wac-types accepts the cart of `candidate` as a subtype of the cart of `live`, which it could then replace.
/// wac-types does not know versions, so they are made equal.
fn wac_subtype(live: &str, candidate: &str) -> bool {
    let read = |text: &str| {
        let mut types = Types::new();
        let bytes = component(&[&with_version(text, "1.0.0")], CART);
        let package = Package::from_bytes("component", None, bytes, &mut types).expect("it is a component");
        (ItemKind::Component(package.ty()), types)
    };
    let ((candidate, candidate_types), (live, live_types)) = (read(candidate), read(live));
    let mut equal = HashSet::new();
    SubtypeChecker::new(&mut equal).is_subtype(candidate, &candidate_types, live, &live_types).is_ok()
}

/// Whether components of the candidate's world can run in the live cart's world, according to wit-component. It ignores
/// versions itself.
fn semver_compatible(live: &str, candidate: &str) -> bool {
    let mut resolve = Resolve::default();
    let mut push = |text: &str, version: &str| {
        let package = resolve.push_str("shop.wit", &with_version(text, version)).expect("it is WIT");
        resolve.select_world(&[package], Some(CART)).expect("the world is there")
    };
    let (live, candidate) = (push(live, "1.0.0"), push(candidate, "1.0.1"));
    semver_check(resolve, candidate, live).is_ok()
}

/// Replaces the version of the first package everywhere; adds one if there is none.
fn with_version(text: &str, version: &str) -> String {
    let (head, body) = text.split_once(';').expect("a package begins with its name");
    let name = head.split('@').next().expect("a text has a first part");
    format!("{name}@{version};{body}")
}

/// A component as wasmtime sees it.
struct Linked {
    engine: Engine,
    component: Component,
}

impl Linked {
    fn new(engine: &Engine, bytes: &[u8]) -> Self {
        let component = Component::new(engine, bytes).expect("wasmtime takes it");
        Self { engine: engine.clone(), component }
    }

    /// Whether `candidate` needs no imports beyond those of this component, and wasmtime finds in it every function
    /// that this component exports, with equal types.
    fn is_replaced_by(&self, candidate: &Self) -> bool {
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

    /// Whether wasmtime finds in `callee` every function of `interface` that this component imports, with equal types.
    fn can_call(&self, callee: &Self, interface: &str) -> bool {
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
