//! Linking: a compiled component and its contract become a program that runs the contract's functions.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker};

use super::imports;
use super::migration::Migration;
use super::program::{Exports, Program};
use super::signature;
use super::state::State;
use super::views;
use crate::contract::{Function, World};
use crate::runtime::compile::{Code, Kind};
use crate::runtime::instance::{LinkError, LinkSettings, Service};
use crate::runtime::offered::HashSeed;

/// # Errors
///
/// [`LinkError`].
pub(in crate::runtime) fn link(
    code: &Code,
    world: &Arc<World>,
    settings: LinkSettings,
    hash_seed: HashSeed,
) -> Result<Program, LinkError> {
    let service = settings.service.clone();
    if code.kind != Kind::Domain {
        return Err(LinkError::Kind { service });
    }
    let import = |source| LinkError::Import { service: service.clone(), source };
    let component = &code.loaded.component;
    let mut linker = Linker::<State>::new(component.engine());
    views::add_to_linker(&mut linker, !settings.outbound_hosts.is_empty()).map_err(import)?;
    imports::add_to_linker(&mut linker, world).map_err(import)?;
    let instances = linker.instantiate_pre(component).map_err(import)?;
    let mut exports = Exports::new();
    for function in world.exports.iter().flat_map(|interface| &interface.functions) {
        add(&mut exports, component, function)?;
    }
    let migration = Migration::new();
    let interface = &migration.describe.interface;
    let migration = component.get_export_index(None, &**interface).map(|_| migration);
    for function in migration.iter().flat_map(Migration::functions) {
        add(&mut exports, component, function)?;
    }
    let state = world.state.as_ref().filter(|state| component.get_export_index(None, &*state.name).is_some());
    for function in state.iter().flat_map(|state| state.functions()) {
        add(&mut exports, component, function)?;
    }
    Ok(Program {
        instances,
        has_state: state.is_some(),
        exports,
        migration,
        world: Arc::clone(world),
        service: Arc::new(Service::new(settings)),
        code: Arc::clone(&code.loaded),
        hash_seed,
    })
}

/// Finds `function` in a component.
fn add(exports: &mut Exports, component: &Component, function: &Function) -> Result<(), LinkError> {
    let (interface, name) = (&function.interface, &function.name.wit);
    let found = component
        .get_export_index(None, &**interface)
        .and_then(|instance| component.get_export(Some(&instance), &**name));
    let (interface, function_name) = (Arc::clone(interface), Arc::clone(name));
    match found {
        None => Err(LinkError::MissingExport { interface, function: function_name }),
        Some((ComponentItem::ComponentFunc(found), index)) if signature::fits(function, &found) => {
            exports.entry(interface).or_default().insert(function_name, index);
            Ok(())
        }
        Some(_) => Err(LinkError::WrongType { interface, function: function_name }),
    }
}
