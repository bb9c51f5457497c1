//! The generated bindings of the contract.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/events"],
    world: "test:events/source-service@1.0.0",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Guest;

#[cfg(target_family = "wasm")]
export!(Guest);
