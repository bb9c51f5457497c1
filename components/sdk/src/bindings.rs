//! The generated bindings that every component shares: the host's store and caller identity, and the shop's types.

wit_bindgen::generate!({
    path: ["../../wit/types", "../../wit/service"],
    inline: "
        package switchyard:sdk;

        world sdk {
            include switchyard:service/imports@0.1.0;
            import shop:types/types@1.0.0;
        }
    ",
    world: "switchyard:sdk/sdk",
    generate_all,
    generate_unused_types: true,
    additional_derives: [PartialEq, Eq],
});

/// The exports of a component whose data has versions. It is a separate world, because a component without versions
/// must not seem to export it.
pub mod migrating {
    wit_bindgen::generate!({
        path: "../../wit/service",
        world: "switchyard:service/migrating",
        pub_export_macro: true,
        export_macro_name: "export_migration",
        default_bindings_module: "switchyard_sdk::bindings::migrating",
        additional_derives: [PartialEq, Eq],
    });
}
