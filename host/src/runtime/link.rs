//! Linking: a compiled component and its contract become a program that runs the contract's functions.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Linker};

use super::compile::{Code, Kind};
use super::imports;
use super::migration::Migration;
use super::offered;
use super::program::Program;
use super::signature;
use super::state::{Service, State};
use crate::config::LimitSettings;
use crate::contract::{Function, World};
use crate::names::ServiceName;

/// What a service gives its component beside the contract.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    pub service: ServiceName,
    /// The environment variables that the component sees, all of them.
    pub environment: Vec<(String, String)>,
    /// The hosts that it may send HTTP requests to.
    pub outbound_hosts: Vec<String>,
    pub limits: LimitSettings,
}

/// Why a component cannot serve a contract here.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the component does not export {interface}#{function}")]
    MissingExport { interface: Arc<str>, function: Arc<str> },
    #[error("the component exports {interface}#{function} as something else, or with other types")]
    WrongType { interface: Arc<str>, function: Arc<str> },
    #[error("the component imports what {service} is not given")]
    Import { service: ServiceName, source: wasmtime::Error },
    #[error("the component exports no `wasi:http` handler, neither of 0.2 nor of 0.3")]
    NoHandler { source: wasmtime::Error },
    #[error("the code of {service} was compiled for another kind of component")]
    Kind { service: ServiceName },
}

/// The functions of a contract by interface and name, and where a component has them.
pub(super) type Exports = HashMap<Arc<str>, HashMap<Arc<str>, ComponentExportIndex>>;

/// # Errors
///
/// [`LinkError`].
pub(super) fn link(code: &Code, world: &Arc<World>, settings: LinkSettings) -> Result<Program, LinkError> {
    let service = settings.service.clone();
    if code.kind != Kind::Domain {
        return Err(LinkError::Kind { service });
    }
    let import = |source| LinkError::Import { service: service.clone(), source };
    let mut linker = Linker::<State>::new(code.component.engine());
    offered::add_to_linker(&mut linker, !settings.outbound_hosts.is_empty()).map_err(import)?;
    imports::add_to_linker(&mut linker, world).map_err(import)?;
    let instances = linker.instantiate_pre(&code.component).map_err(import)?;
    let mut exports = Exports::new();
    for function in world.exports.iter().flat_map(|interface| &interface.functions) {
        add(&mut exports, &code.component, function)?;
    }
    let migration = Migration::new();
    let interface = &migration.describe.interface;
    let migration = code.component.get_export_index(None, &**interface).map(|_| migration);
    for function in migration.iter().flat_map(Migration::functions) {
        add(&mut exports, &code.component, function)?;
    }
    Ok(Program {
        instances,
        exports,
        migration,
        world: Arc::clone(world),
        service: Arc::new(Service::new(settings)),
        _ticker: Arc::clone(&code.ticker),
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
