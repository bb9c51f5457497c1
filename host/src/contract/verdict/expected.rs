//! The contracts for wac-types: each WIT package in its binary form, encoded once.

use std::collections::HashMap;
use std::sync::Arc;

use wac_types::{ItemKind, NameMap, Package, Type, Types, WorldId};
use wit_parser::{PackageId, Resolve};

use crate::contract::host::{self, STATE};
use crate::contract::surface::by_name;

/// Every package with a world, encoded, and the host's own package.
#[derive(Debug)]
pub(in crate::contract) struct Encoded {
    /// By the world's full name.
    worlds: HashMap<String, EncodedWorld>,
    host: Option<EncodedHost>,
}

#[derive(Debug)]
struct EncodedWorld {
    package: Arc<[u8]>,
    /// Its name in the package.
    name: String,
    /// The full name of the interface `state` of the package, if there is one.
    state: Option<String>,
}

/// The package that describes the interfaces of the host.
#[derive(Debug)]
struct EncodedHost {
    package: Arc<[u8]>,
    /// The full names of its interfaces by their names in the package.
    full_names: HashMap<String, String>,
}

/// The items that a world expects, in one collection of types.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) types: Types,
    pub(super) world: WorldId,
    /// The allowed imports: those of the world, and the host's own interfaces.
    pub(super) imports: NameMap<String, ItemKind>,
    /// The exports that a component may have besides those of its world, by full name: the interface for migrations,
    /// and the contract's interface for state.
    pub(super) optional: Vec<(String, ItemKind)>,
}

impl Encoded {
    /// # Errors
    ///
    /// If valid WIT has no binary form.
    pub(in crate::contract) fn new(resolve: &Resolve) -> anyhow::Result<Self> {
        let mut encoded = Self { worlds: HashMap::new(), host: None };
        for (id, package) in resolve.packages.iter() {
            let is_host = host::is_service(&format!("{}:{}/", package.name.namespace, package.name.name));
            if is_host {
                let full = |name: &String| (name.clone(), resolve.id_of_name(id, name));
                let full_names = package.interfaces.keys().map(full).collect();
                encoded.host = Some(EncodedHost { package: encode(resolve, id)?, full_names });
            } else if !package.worlds.is_empty() {
                let bytes = encode(resolve, id)?;
                let state = package.interfaces.contains_key(STATE).then(|| resolve.id_of_name(id, STATE));
                for name in package.worlds.keys() {
                    let world = EncodedWorld { package: Arc::clone(&bytes), name: name.clone(), state: state.clone() };
                    encoded.worlds.insert(resolve.id_of_name(id, name), world);
                }
            }
        }
        Ok(encoded)
    }

    /// Loads a world; `None` if it is not in these contracts.
    pub(super) fn load(&self, world: &str) -> Option<Expected> {
        let mut types = Types::new();
        let EncodedWorld { package, name, state } = self.worlds.get(world)?;
        let package = Package::from_bytes("contract", None, package.as_ref(), &mut types).ok()?;
        let Some(ItemKind::Type(Type::World(world))) = package.definitions().get(name) else { return None };
        let world = *world;
        let mut imports: Vec<(&str, ItemKind)> = Vec::new();
        let state = state.clone().zip(package.definitions().get(STATE).map(|kind| kind.promote()));
        let mut optional: Vec<_> = state.into_iter().collect();
        let package;
        if let Some(EncodedHost { package: bytes, full_names }) = &self.host {
            package = Package::from_bytes("host", None, bytes.as_ref(), &mut types).ok()?;
            for (name, kind) in package.definitions() {
                match full_names.get(name) {
                    Some(full) if host::is_migration(full) => optional.push((full.clone(), kind.promote())),
                    Some(full) => imports.push((full.as_str(), *kind)),
                    None => {}
                }
            }
        }
        let definition = &types[world];
        imports.extend(definition.implicit_imported_interfaces(&types));
        imports.extend(definition.imports.iter().map(|(name, kind)| (name.as_str(), *kind)));
        let imports = by_name(imports.into_iter().map(|(name, kind)| (name, kind.promote())));
        Some(Expected { types, world, imports, optional })
    }
}

fn encode(resolve: &Resolve, package: PackageId) -> anyhow::Result<Arc<[u8]>> {
    Ok(wit_component::encode(resolve, package)?.into())
}
