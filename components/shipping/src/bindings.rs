//! The generated bindings of the contract `shop:shipping/shipping-service`, and of its interface `state`.

wit_bindgen::generate!({
    path: ["../../wit/types", "../../wit/events", "../../wit/service", "../../wit/shipping"],
    inline: "
        package shop:shipping-component;

        world component {
            include shop:shipping/shipping-service@1.0.0;
            export shop:shipping/state@1.0.0;
        }
    ",
    world: "shop:shipping-component/component",
    with: {
        "switchyard:service/store@0.1.0": switchyard_sdk::bindings::switchyard::service::store,
        "switchyard:service/caller@0.1.0": switchyard_sdk::bindings::switchyard::service::caller,
        "switchyard:service/call@0.1.0": switchyard_sdk::bindings::switchyard::service::call,
        "shop:types/types@1.0.0": switchyard_sdk::types,
    },
    generate_all,
    additional_derives: [Clone, PartialEq, Eq],
});

#[cfg(target_family = "wasm")]
export!(Component with_types_in self);

switchyard_sdk::data_format!(Component);

/// The type that implements the exports.
#[derive(Debug)]
pub(crate) struct Component;
