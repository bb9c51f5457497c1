//! Applied settings are stored, and a host that starts with another manifest reads them again.

use super::*;
use crate::config::{Flags, load};

const CART: &str = "[services.cart]\ncontract = \"shop:cart/cart-service\"\ncomponent = \"cart.wasm\"\n";
const SIGNER: &str = "[deploy]\nsigners = [\"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"]\n";

fn manifest(text: &str) -> Manifest {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("switchyard.toml");
    std::fs::write(&path, text).expect("a manifest");
    load(&path, &[], Flags::default()).expect("a good manifest").manifest
}

fn stored(manifest: &Manifest) -> AppliedSettings {
    let text = serde_json::to_string(&AppliedSettings::of(manifest)).expect("JSON");
    serde_json::from_str(&text).expect("what was stored")
}

#[test]
fn a_start_has_the_applied_settings_and_all_others_of_its_manifest() {
    let applied = manifest(
        &format!("limits.deadline_ms = 7\ndeploy.shadow_calls_min = 8\n{CART}mount = \"/cart\"\n")
            .replace("contract", "# contract"),
    );
    let started = manifest(&format!("host.drain_ms_max = 9\nlimits.deadline_ms = 6\n{SIGNER}{CART}"));
    let manifest = stored(&applied).over(&started).expect("settings");
    let cart = &manifest.services[&ServiceName::parse("cart").expect("a name")];
    assert_eq!((cart.contract.as_deref(), cart.mount.as_deref()), (None, Some("/cart")));
    assert_eq!(cart.limits(&manifest.limits).deadline_ms, 7);
    assert_eq!((manifest.deploy.shadow_calls_min, manifest.deploy.signers.len()), (8, 1));
    assert_eq!(manifest.host.drain_ms_max, 9);
    assert!(cart.component.ends_with("cart.wasm"), "a path is that of the machine: {cart:?}");
}

#[test]
fn differences_are_told_by_key_and_never_by_value() {
    let check = |one: &str, other: &str, keys: &[&str]| {
        let (one, other) = (AppliedSettings::of(&manifest(one)), AppliedSettings::of(&manifest(other)));
        assert_eq!(one.differences(&other), keys);
        assert_eq!(other.differences(&one), keys);
    };
    check(CART, CART, &[]);
    check(CART, &format!("host.drain_ms_max = 9\n{SIGNER}{CART}"), &[]);
    check(CART, &CART.replace("cart.wasm", "other.wasm"), &[]);
    check(CART, &format!("{CART}limits.deadline_ms = 5000\n"), &[]);
    check(CART, &format!("limits.deadline_ms = 6\n{CART}"), &["services.cart.limits.deadline_ms"]);
    check(CART, &format!("{CART}environment = {{ KEY = \"secret\" }}\n"), &["services.cart.environment.KEY"]);
    check(CART, &format!("deploy.shadow_calls_min = 8\n{CART}"), &["deploy.shadow_calls_min"]);
    check(CART, &format!("{CART}{}", CART.replace("cart]", "cart-2]")), &["services.cart-2"]);
    let hosts = |hosts: &str| format!("{CART}outbound_hosts = [{hosts}]\n");
    check(&hosts("\"a.example\", \"b.example\""), &hosts("\"b.example\", \"a.example\""), &[]);
    check(&hosts("\"a.example\""), CART, &["services.cart.outbound_hosts"]);
}

#[test]
fn settings_of_an_earlier_version_get_what_it_did_not_know_from_the_manifest() {
    let mut json = serde_json::to_value(AppliedSettings::of(&manifest(CART))).expect("JSON");
    json["deploy"].as_object_mut().expect("a section").remove("shadow_calls_min");
    json["services"]["cart"]["limits"].as_object_mut().expect("limits").remove("deadline_ms");
    let earlier: AppliedSettings = serde_json::from_value(json).expect("settings");
    let started = manifest(&format!("deploy.shadow_calls_min = 8\nlimits.deadline_ms = 9\n{CART}"));
    let manifest = earlier.over(&started).expect("settings");
    let cart = &manifest.services[&ServiceName::parse("cart").expect("a name")];
    assert_eq!((manifest.deploy.shadow_calls_min, cart.limits(&manifest.limits).deadline_ms), (8, 9));
}
