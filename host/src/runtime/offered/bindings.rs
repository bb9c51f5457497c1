//! All `bindgen!` of the host: the WIT interfaces that it offers to components.

/// `switchyard:service`: the store, the caller's identity, and the inputs of the call.
pub(super) mod service {
    wasmtime::component::bindgen!({
        path: "../wit/service",
        world: "switchyard:service/imports",
        imports: { default: trappable },
    });
}

/// `wasi:keyvalue`, on the same store.
pub(super) mod keyvalue {
    wasmtime::component::bindgen!({
        path: "wit/keyvalue",
        world: "wasi:keyvalue/imports",
        imports: { default: trappable },
        with: {
            "wasi:keyvalue/store.bucket": crate::runtime::offered::bucket::Bucket,
            "wasi:keyvalue/atomics.cas": crate::runtime::offered::bucket::Swap,
        },
    });
}

/// `wasi:config`: the service's configuration.
pub(super) mod config {
    wasmtime::component::bindgen!({
        path: "wit/config",
        world: "wasi:config/imports",
        imports: { default: trappable },
    });
}
