//! The generated bindings of the contract, and of what the host offers beside it.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/hostile", "../../wit/keyvalue"],
    inline: "
        package test:guest;
        world guest {
            include test:hostile/hostile@1.0.0;
            include wasi:keyvalue/imports@0.2.0-draft2;
        }
    ",
    generate_all,
});

#[cfg(target_family = "wasm")]
export!(Guest);

#[cfg(target_family = "wasm")]
use crate::Guest;
