//! `switchyard stores` and `switchyard drop`: lists all stores, and deletes the store of a removed service.

#[cfg(test)]
mod tests;

use crate::cli::arguments::{Drop, Stores};
use crate::cli::client::documents::{Items, Store};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::bytes;
use crate::cli::output::print;

pub(in crate::cli) fn list(target: &Target, command: &Stores) -> Outcome {
    let answer = Request::get(&["stores"]).send(target)?;
    answer.render(command.host.json, |stores: &Items<Store>| table(&stores.items))
}

fn table(stores: &[Store]) -> String {
    let heading = ["SERVICE", "STORE", "OF CALLS", "STATE"];
    let row = |store: &Store| {
        let state = if store.in_use { "in use" } else { "kept: its service was removed" };
        [store.service.clone(), bytes(store.bytes), bytes(store.platform_bytes), state.to_owned()]
    };
    print::list(heading, stores, row, |column| matches!(column, 1 | 2))
}

/// Deletes a store if `confirm` returns yes.
pub(in crate::cli) fn drop_store(
    target: &Target,
    command: &Drop,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let service = &command.service;
    let stores: Items<Store> = Request::get(&["stores"]).send(target)?.accepted(false)?.read()?;
    let Some(store) = stores.items.iter().find(|store| store.service == *service) else {
        let next = "`switchyard stores` lists all stores.";
        return Err(Failure::text(Kind::Refused, format!("there is no store of {service}")).next(next));
    };
    if store.in_use {
        let next = "First remove the service from the manifest and run `switchyard apply`.";
        return Err(Failure::text(Kind::Refused, format!("{service} is in use: its store stays")).next(next));
    }
    let size = bytes(store.bytes);
    confirm(&format!("Delete the store of {service} ({size}) for good?"))?;
    let answer = Request::delete(&["stores", service]).send(target)?.accepted(command.host.json)?;
    Ok(if command.host.json { answer.text() } else { format!("the store of {service} ({size}) is deleted") })
}
