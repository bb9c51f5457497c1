//! The generated bindings of the contract `shop:account/account-service`, and of its interface `state`.

wit_bindgen::generate!({
    path: ["../../../wit/types", "../../../wit/events", "../../../wit/service", "../../../wit/account"],
    inline: "
        package shop:alternative-account;

        world component {
            include shop:account/account-service@1.0.0;
            export shop:account/state@1.0.0;
        }
    ",
    world: "shop:alternative-account/component",
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
