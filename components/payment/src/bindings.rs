//! The generated bindings of the contract `shop:payment/payment-service`, and of its interface `state`.

wit_bindgen::generate!({
    path: ["../../wit/types", "../../wit/events", "../../wit/service", "../../wit/payment"],
    inline: "
        package shop:payment-component;

        world component {
            include shop:payment/payment-service@1.0.0;
            export shop:payment/state@1.0.0;
        }
    ",
    world: "shop:payment-component/component",
    with: {
        "switchyard:service/store@0.1.0": switchyard_sdk::bindings::switchyard::service::store,
        "switchyard:service/caller@0.1.0": switchyard_sdk::bindings::switchyard::service::caller,
        "switchyard:service/call@0.1.0": switchyard_sdk::bindings::switchyard::service::call,
        "shop:types/types@1.0.0": switchyard_sdk::types,
        "shop:payment/payment@1.0.0": generate,
        "shop:payment/state@1.0.0": generate,
        "shop:events/payment-events@1.0.0": generate,
    },
    additional_derives: [PartialEq, Eq],
});

#[cfg(target_family = "wasm")]
export!(Component with_types_in self);

switchyard_sdk::data_format!(Component);

/// The type that implements the exports.
pub struct Component;
