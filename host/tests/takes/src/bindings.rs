//! The generated bindings of all contracts: one component serves each.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/events"],
    inline: "
        package test:guest;
        world guest {
            include test:events/wide-sink-service@1.0.0;
            include test:events/clock-service@1.0.0;
        }
    ",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Guest;

#[cfg(target_family = "wasm")]
export!(Guest);
