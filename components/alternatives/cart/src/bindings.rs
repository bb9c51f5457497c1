//! The generated bindings of the contract `shop:cart/cart-service`, and of its interface `state`.

wit_bindgen::generate!({
    path: [
        "../../../wit/types",
        "../../../wit/events",
        "../../../wit/service",
        "../../../wit/account",
        "../../../wit/inventory",
        "../../../wit/payment",
        "../../../wit/shipping",
        "../../../wit/cart",
    ],
    inline: "
        package shop:alternative-cart;

        world component {
            include shop:cart/cart-service@2.0.0;
            export shop:cart/state@2.0.0;
        }
    ",
    world: "shop:alternative-cart/component",
    with: {
        "switchyard:service/store@0.1.0": switchyard_sdk::bindings::switchyard::service::store,
        "switchyard:service/caller@0.1.0": switchyard_sdk::bindings::switchyard::service::caller,
        "switchyard:service/call@0.1.0": switchyard_sdk::bindings::switchyard::service::call,
        "shop:types/types@1.0.0": switchyard_sdk::types,
        "shop:account/account@1.0.0": generate,
        "shop:inventory/inventory@2.0.0": generate,
        "shop:payment/payment@1.0.0": generate,
        "shop:shipping/shipping@1.0.0": generate,
        "shop:events/order-events@1.0.0": generate,
        "shop:events/payment-events@1.0.0": generate,
        "shop:events/shipment-events@1.0.0": generate,
        "shop:cart/cart@2.0.0": generate,
        "shop:cart/state@2.0.0": generate,
    },
    additional_derives: [PartialEq, Eq],
});

#[cfg(target_family = "wasm")]
export!(Component with_types_in self);

switchyard_sdk::data_format!(Component);

/// The type that implements the exports.
pub struct Component;
