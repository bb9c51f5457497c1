//! The generated bindings of the contract `shop:inventory/inventory-service`, and of its interface `state`.

wit_bindgen::generate!({
    path: ["../../wit/types", "../../wit/events", "../../wit/service", "../../wit/inventory"],
    inline: "
        package shop:inventory-component;

        world component {
            include shop:inventory/inventory-service@2.0.0;
            export shop:inventory/state@2.0.0;
        }
    ",
    world: "shop:inventory-component/component",
    with: {
        "switchyard:service/store@0.1.0": switchyard_sdk::bindings::switchyard::service::store,
        "switchyard:service/caller@0.1.0": switchyard_sdk::bindings::switchyard::service::caller,
        "switchyard:service/call@0.1.0": switchyard_sdk::bindings::switchyard::service::call,
        "shop:types/types@1.0.0": switchyard_sdk::types,
        "shop:inventory/inventory@2.0.0": generate,
        "shop:inventory/state@2.0.0": generate,
        "shop:events/stock-events@1.0.0": generate,
    },
    additional_derives: [PartialEq, Eq],
});

#[cfg(target_family = "wasm")]
export!(Component with_types_in self);

switchyard_sdk::data_format!(Component);

/// The type that implements the exports.
pub struct Component;
