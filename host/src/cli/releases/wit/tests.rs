use super::*;
use crate::cli::arguments::ManifestFile;
use crate::contract::Contracts;

fn command(contract: &str, out: &Path) -> Wit {
    Wit {
        contract: contract.to_owned(),
        out: out.to_path_buf(),
        wit: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")),
        manifest: ManifestFile { manifest: "no such manifest".into() },
    }
}

#[test]
fn a_toolchain_finds_the_contract_and_all_that_it_uses_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    let text = run(&command("shop:inventory/inventory-service", out.path())).unwrap();
    let mut folders: Vec<_> =
        fs::read_dir(out.path().join("deps")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    folders.sort();
    let expected = ["shop-events-1.0.0", "shop-inventory-2.0.0", "shop-types-1.0.0", "switchyard-service-0.1.0"];
    assert_eq!(folders, expected, "{text}");
    let contracts = Contracts::read(out.path()).unwrap();
    let (own, shop) =
        (contracts.world("local:inventory/component"), contracts.world("shop:inventory/inventory-service"));
    assert_eq!(own.unwrap().exports, shop.unwrap().exports);
    let world = fs::read_to_string(out.path().join("world.wit")).unwrap();
    assert!(world.contains("    // export shop:inventory/state@2.0.0;"), "{world}");
    // Services that it calls come with what they use.
    let out = tempfile::tempdir().unwrap();
    run(&command("shop:cart/cart-service", out.path())).unwrap();
    assert!(Contracts::read(out.path()).unwrap().world("local:cart/component").is_some());
}

#[test]
fn the_world_of_the_component_is_the_authors_to_edit() {
    let out = tempfile::tempdir().unwrap();
    let command = command("shop:shipping/shipping-service", out.path());
    let types = out.path().join("deps/shop-types-1.0.0/types.wit");
    run(&command).unwrap();
    for (path, text) in [(&types, "old"), (&out.path().join("world.wit"), "mine")] {
        fs::write(path, text).unwrap();
    }
    let text = run(&command).unwrap();
    assert!(text.contains("kept"), "{text}");
    assert_eq!(fs::read_to_string(out.path().join("world.wit")).unwrap(), "mine");
    assert_ne!(fs::read_to_string(types).unwrap(), "old");
}

#[test]
fn an_unknown_contract_is_refused_with_those_that_there_are() {
    let out = tempfile::tempdir().unwrap();
    let refused = run(&command("shop:carts/cart-service", out.path())).unwrap_err().to_string();
    assert!(refused.contains("shop:cart/cart-service@2.0.0"), "{refused}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
}
