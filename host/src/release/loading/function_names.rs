//! Checks that the functions that the manifest names are in the contracts: a limit for a function that does not exist
//! would limit nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::function_limits::check_function_limits;
use super::loader::LoadError;
use crate::config::{Manifest, instead_of};
use crate::contract::{Contracts, Reach, World};
use crate::names::ServiceName;

/// The contracts of services.
pub(in crate::release) type Worlds = BTreeMap<ServiceName, Arc<World>>;

/// Checks all functions that `manifest` names against the contracts in its folder, whatever a host runs.
///
/// # Errors
///
/// [`LoadError`], for the first contract that does not exist, or the first function that is in no contract.
pub(in crate::release) fn check_functions(manifest: &Manifest) -> Result<(), LoadError> {
    let contracts = Contracts::read(&manifest.host.wit)?;
    let mut worlds = Worlds::new();
    for (service, settings) in &manifest.services {
        let Some(contract) = &settings.contract else { continue };
        let world = contracts.world(contract).ok_or_else(|| {
            let known = contracts.worlds().map(|world| &*world.name).collect::<Vec<_>>().join(", ");
            LoadError::NoSuchContract { service: service.clone(), world: contract.to_string(), known }
        })?;
        check_function_limits(service, settings, &world)?;
        worlds.insert(service.clone(), world);
    }
    check_function_names(manifest, &worlds)
}

/// Checks the functions in `[gateway]` and `[limits]`. A service that is not in `worlds` may get any.
///
/// # Errors
///
/// [`LoadError::FunctionName`], for the first one that does not exist, or that no client can call.
pub(in crate::release) fn check_function_names(manifest: &Manifest, worlds: &Worlds) -> Result<(), LoadError> {
    for name in manifest.gateway.calls_per_minute_per_client.keys() {
        let world = name.split_once('.').and_then(|(service, function)| {
            let (_, world) = worlds.iter().find(|(known, _)| known.as_str() == service)?;
            Some((function, world))
        });
        let Some((function, world)) = world else { continue };
        let key = "gateway.calls_per_minute_per_client";
        let refused = |hint| Err(LoadError::FunctionName { key, function: name.clone(), hint });
        let found = functions(world).find(|(known, _)| *known == function);
        match found {
            Some((_, Reach::Http(_))) => {}
            Some(_) => return refused(format!("no request of a client calls it, so remove it ({})", world.name)),
            None => {
                let known = functions(world).filter(|(_, reach)| matches!(reach, Reach::Http(_)));
                let known: Vec<_> = known.map(|(known, _)| known).collect();
                return refused(format!("it is not a function of {}: {}", world.name, instead_of(function, &known)));
            }
        }
    }
    // Only one contract must have it: the section is for all services.
    let known: Vec<_> = worlds.values().flat_map(|world| functions(world)).map(|(name, _)| name).collect();
    let unknown = |name: &&String| !worlds.is_empty() && !known.contains(&name.as_str());
    match manifest.limits.function_calls_in_flight_max.keys().find(unknown) {
        Some(function) => Err(LoadError::FunctionName {
            key: "limits.function_calls_in_flight_max",
            function: function.clone(),
            hint: format!("no service has such a function: {}", instead_of(function, &known)),
        }),
        None => Ok(()),
    }
}

fn functions(world: &World) -> impl Iterator<Item = (&str, &Reach)> {
    let functions = world.exports.iter().flat_map(|interface| &interface.functions);
    functions.map(|function| (&*function.name.wit, &function.reach))
}

#[cfg(test)]
mod tests;
