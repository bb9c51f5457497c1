//! The generated bindings of the contract.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../../wit/service", "../wit/fetches"],
    world: "test:fetches/fetcher",
    generate_all,
});

export!(Guest);

use crate::Guest;
