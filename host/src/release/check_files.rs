//! Checks the contracts and the components that a manifest names, without a data directory and without compiling.

use std::sync::Arc;

use super::judging::judge_input::mounts;
use super::loading::function_limits::check_function_limits;
use super::loading::function_names::check_function_names;
use crate::config::Manifest;
use crate::contract::{Contracts, OutboundHttp, World, check_together, judge_http};
use crate::names::ServiceName;
use crate::observe::traces::read_headers;

/// Every fault, one after another.
#[must_use]
pub fn check_files(manifest: &Manifest) -> Vec<String> {
    let mut faults = Vec::new();
    let has_contract = manifest.services.values().any(|service| service.contract.is_some());
    let contracts = match Contracts::read(&manifest.host.wit) {
        Ok(contracts) => Some(contracts),
        Err(error) if has_contract => {
            faults.push(format!("the contracts in {}: {error}", manifest.host.wit.display()));
            None
        }
        Err(_) => None,
    };
    let mut worlds = Vec::new();
    for (name, settings) in &manifest.services {
        let world = match (&settings.contract, &contracts) {
            (Some(contract), Some(contracts)) => match world(contracts, name, contract) {
                Ok(world) => {
                    faults.extend(check_function_limits(name, settings, &world).err().map(|error| error.to_string()));
                    Some(world)
                }
                Err(fault) => {
                    faults.push(fault);
                    None
                }
            },
            _ => None,
        };
        match std::fs::read(&settings.component) {
            Err(error) => {
                faults.push(format!(
                    "the component of {name} cannot be read from {}: {error}",
                    settings.component.display()
                ));
            }
            Ok(component) => {
                let outbound =
                    if settings.outbound_hosts.is_empty() { OutboundHttp::Refused } else { OutboundHttp::Granted };
                let verdict = match (&world, &contracts) {
                    (Some(world), Some(contracts)) => Some(contracts.judge(world, &component, outbound)),
                    _ if settings.contract.is_none() => Some(judge_http(&component)),
                    _ => None,
                };
                if let Some(verdict) = verdict.filter(|verdict| !verdict.accepted) {
                    faults.push(format!("the component of {name} does not keep its contract\n{verdict}"));
                }
            }
        }
        worlds.extend(world.map(|world| (name.clone(), world)));
    }
    let headers = manifest.telemetry.headers_file.as_deref().map(read_headers);
    faults.extend(headers.and_then(Result::err).map(|error| error.to_string()));
    faults.extend(check_together(&worlds, &mounts(manifest)).err().map(|error| error.to_string()));
    let worlds = worlds.into_iter().collect();
    faults.extend(check_function_names(manifest, &worlds).err().map(|error| error.to_string()));
    faults
}

fn world(contracts: &Contracts, service: &ServiceName, name: &str) -> Result<Arc<World>, String> {
    contracts.world(name).ok_or_else(|| {
        let known = contracts.worlds().map(|world| &*world.name).collect::<Vec<_>>().join(", ");
        format!("the contract {name} of {service} does not exist; known are {known}")
    })
}
