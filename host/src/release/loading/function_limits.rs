//! Checks that the functions to which the settings of a service give slots are in its contract.

use super::loader::LoadError;
use crate::config::{ServiceSettings, instead_of};
use crate::contract::{Reach, World};
use crate::names::ServiceName;

/// # Errors
///
/// [`LoadError::FunctionLimit`], for the first name that is not in the contract, or that has slots of its own already.
pub(in crate::release) fn check_function_limits(
    service: &ServiceName,
    settings: &ServiceSettings,
    world: &World,
) -> Result<(), LoadError> {
    let functions: Vec<_> = world.exports.iter().flat_map(|interface| &interface.functions).collect();
    let known: Vec<_> = functions.iter().map(|function| &*function.name.wit).collect();
    for name in settings.limits.function_calls_in_flight_max.iter().flat_map(|limits| limits.keys()) {
        let refused = |hint| Err(LoadError::FunctionLimit { service: service.clone(), function: name.clone(), hint });
        match functions.iter().find(|function| *function.name.wit == **name) {
            None => return refused(format!("it is not a function of {}: {}", world.name, instead_of(name, &known))),
            Some(function) if function.reach == Reach::Authenticate => {
                return refused("its calls have slots of their own: remove it".to_owned());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
