//! The generated bindings of the four contracts: one component serves any of them.
#![allow(unsafe_code, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    path: ["../../wit/service", "../wit/chain"],
    inline: "
        package bench:guest;
        world guest {
            include bench:chain/first-service@1.0.0;
            include bench:chain/second-service@1.0.0;
            include bench:chain/third-service@1.0.0;
            include bench:chain/fourth-service@1.0.0;
        }
    ",
    generate_all,
});

#[cfg(target_family = "wasm")]
use crate::Guest;

#[cfg(target_family = "wasm")]
export!(Guest);
