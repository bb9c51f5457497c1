//! The generated bindings of the contract, its state interface and the migration.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/events", "../wit/calls", "../wit/shelf"],
    inline: "
        package test:guest;
        world guest {
            include test:shelf/shelf-service@1.0.0;
            include switchyard:service/migrating@0.1.0;
            export test:shelf/state@1.0.0;
            export test:events/happenings@1.0.0;
        }
    ",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Shelf;

#[cfg(target_family = "wasm")]
export!(Shelf);
