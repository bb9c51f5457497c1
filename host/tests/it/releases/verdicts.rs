//! What a verdict says beside yes and no.

use serde_json::Value;

use super::components::{dummy, marked};
use super::{Rig, Setup, until};
use crate::guest::{component, workspace};

/// A host with the guest `migrates`, which does what `scenario` says.
async fn rig(scenario: &str) -> Rig {
    let wit = std::fs::read_to_string(workspace().join("host/tests/wit/migrates/migrates.wit")).unwrap();
    // Something has to export what the guest calls.
    let wit = format!("{wit}\nworld peers {{ export peer; }}\n");
    let setup = Setup::new("");
    setup.contract("migrates", &wit);
    let setup = setup
        .service("peer", "test:migrates/peers@1.0.0", &dummy(&wit, "peers"))
        .service("notebook", "test:migrates/notebook@1.0.0", &component("migrates.wasm"))
        .with(&format!("environment = {{ SCENARIO = \"{scenario}\" }}"));
    setup.start().await
}

async fn judged(rig: &Rig) -> Value {
    let other = marked(&component("migrates.wasm"), "other");
    rig.deploy("notebook", "?dryRun=true", other).await.expect(200)["verdict"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_the_toolchain_has_frozen_are_a_warning_in_the_verdict() {
    let rig = rig("add-frozen").await;
    let is_frozen = |warning: &Value| {
        let text = warning.as_str().unwrap();
        text.starts_with("add: two calls with different random numbers gave the same id") && text.contains("`new-id`")
    };
    // On a busy machine there may be no time for a second call.
    until("the warning", async || {
        let verdict = judged(&rig).await;
        assert_eq!(verdict["accepted"], true, "{verdict:#}");
        verdict["warnings"].as_array().unwrap().iter().any(is_frozen)
    })
    .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_lists_what_each_function_did() {
    let rig = rig("").await;
    let verdict = judged(&rig).await;
    let functions = verdict["functions"].as_array().unwrap();
    let names: Vec<_> = functions.iter().map(|one| one["function"].as_str().unwrap()).collect();
    assert_eq!(names, ["note", "count", "pair", "write", "add"]);
    // On a busy machine there may be no time for all of them, and then the verdict says so.
    let is_told = |one: &Value| match one["result"].as_str().unwrap() {
        "answered" => one["detail"].as_str().unwrap().ends_with("calls answered"),
        result => result == "notCalled" && !one["detail"].as_str().unwrap().is_empty(),
    };
    assert!(functions.iter().all(is_told) && functions[0]["result"] == "answered", "{verdict:#}");
    assert!(!verdict["warnings"].to_string().contains("the same id"), "{verdict:#}");
    rig.stop().await;
}
