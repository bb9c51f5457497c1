//! What the host offers to a component: one file per group of WIT interfaces, always the same shape. The state of one
//! instance, a view that is borrowed for one call, the generated trait on the view, and `add_to_linker`.

mod caller;
mod clocks;
mod environment;
mod http;
pub(super) mod keyvalue;
mod output;
mod random;
mod refused;
mod store;

pub(super) use clocks::Time;
pub(super) use http::Http;
pub(super) use random::Random;

use wasmtime::component::Linker;

use super::state::State;

/// Adds all of it, and outgoing requests where `outgoing` says so.
///
/// # Errors
///
/// When two of them claim one name.
pub(super) fn add_to_linker(linker: &mut Linker<State>, outgoing: bool) -> wasmtime::Result<()> {
    if outgoing {
        http::add_to_linker(linker)?;
    }
    store::add_to_linker(linker)?;
    caller::add_to_linker(linker)?;
    keyvalue::add_to_linker(linker)?;
    clocks::add_to_linker(linker)?;
    environment::add_to_linker(linker)?;
    output::add_to_linker(linker)?;
    random::add_to_linker(linker)?;
    refused::add_to_linker(linker)
}
