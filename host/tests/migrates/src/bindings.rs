//! The generated bindings of the contract, and the export of the migration beside it.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/migrates"],
    world: "test:migrates/notebook",
    with: {
        "switchyard:service/store@0.1.0": switchyard_sdk::bindings::switchyard::service::store,
        "switchyard:service/caller@0.1.0": switchyard_sdk::bindings::switchyard::service::caller,
        "switchyard:service/call@0.1.0": switchyard_sdk::bindings::switchyard::service::call,
    },
    generate_all,
});

#[cfg(target_family = "wasm")]
export!(Notebook);

#[cfg(target_family = "wasm")]
switchyard_sdk::migration::export!(Notebook);

#[cfg(target_family = "wasm")]
use crate::Notebook;
