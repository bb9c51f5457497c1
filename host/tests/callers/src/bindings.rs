//! The generated bindings of both contracts: one component serves either.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/calls"],
    inline: "
        package test:guest;
        world guest {
            include test:calls/front-service@1.0.0;
            include test:calls/back-service@1.0.0;
            include switchyard:service/migrating@0.1.0;
        }
    ",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Guest;

#[cfg(target_family = "wasm")]
export!(Guest);
