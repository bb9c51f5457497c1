//! The contract's imports: calls to other services, and events.

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Val};

use super::state::State;
use crate::contract::{Function, Reach, World};
use crate::runtime::instance::{Failure, IsolationError, over};
use crate::store::Event;
use crate::value::Parameters;

/// Defines every function that `world` imports. A component may import fewer.
///
/// # Errors
///
/// When two of them have the same name.
pub(super) fn add_to_linker(linker: &mut Linker<State>, world: &World) -> wasmtime::Result<()> {
    for interface in &world.imports {
        let mut instance = linker.instance(&interface.name)?;
        for function in &interface.functions {
            let name = Arc::clone(&function.name.wit);
            if let Reach::Event { .. } = function.reach {
                let (event, parameters) = (Arc::clone(function), Parameters::new(&function.parameters));
                instance.func_new(&name, move |mut store, _, arguments, _| {
                    Ok(emit(store.data_mut(), &event, &parameters, arguments)?)
                })?;
            } else {
                let function = Arc::clone(function);
                instance.func_new_async(&name, move |store, _, arguments, results| {
                    Box::new(call(store, Arc::clone(&function), arguments, results))
                })?;
            }
        }
    }
    Ok(())
}

/// Adds an event to the call's transaction: it is delivered if and when the call commits.
fn emit(state: &mut State, event: &Function, parameters: &Parameters, arguments: &[Val]) -> Result<(), Failure> {
    let max = state.service.limits.events_per_call_max;
    if state.events >= max {
        return Err(over("events_per_call_max", max, "the call emitted one more"));
    }
    state.events += 1;
    let mut payload = Vec::new();
    parameters.encode(arguments, &mut payload).map_err(|error| Failure::Trap {
        message: format!("it emitted {}#{} with a value that has no JSON: {error}", event.interface, event.name.wit),
        backtrace: String::new(),
        log_tail: String::new(),
    })?;
    let (interface, function) = (event.interface.clone(), event.name.wit.clone());
    let emitted = Event { interface, function, payload: payload.into() };
    state.transaction.emit(emitted).map_err(Failure::Store)?;
    if state.isolated {
        return Err(Failure::Nested(IsolationError::event(event)));
    }
    Ok(())
}

async fn call(
    mut store: StoreContextMut<'_, State>,
    function: Arc<Function>,
    arguments: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let state = store.data_mut();
    state.outbound.reach(state.transaction.saw());
    let answer = state.outbound.call(&function, arguments).await.map_err(Failure::Nested)?;
    match (results, answer) {
        ([slot], Some(value)) => *slot = value,
        ([], None) => {}
        (results, answer) => wasmtime::bail!(
            "{}#{} has {} results, and was answered {answer:?}",
            function.interface,
            function.name.wit,
            results.len()
        ),
    }
    Ok(())
}
