//! What a verdict says of each function, beside yes and no.

use serde_json::{Value, json};

use super::components::{dummy, marked, variant};
use super::{Rig, Setup, until};
use crate::guest::{component, workspace};

/// A host with the guest `migrates`, which does wrong what `scenario` says.
async fn rig(scenario: &str, keys: &str) -> Rig {
    let wit = std::fs::read_to_string(workspace().join("host/tests/wit/migrates/migrates.wit")).unwrap();
    // Something has to export what the guest calls.
    let wit = format!("{wit}\nworld peers {{ export peer; }}\n");
    let setup = Setup::new(keys);
    setup.contract("migrates", &wit);
    let setup = setup
        .service("peer", "test:migrates/peers@1.0.0", &dummy(&wit, "peers"))
        .service("notebook", "test:migrates/notebook@1.0.0", &component("migrates.wasm"))
        .with(&format!("environment = {{ SCENARIO = \"{scenario}\" }}"));
    setup.start().await
}

/// The verdict on a component that does the same as the live one.
async fn judged(rig: &Rig) -> Value {
    let other = marked(&component("migrates.wasm"), "other");
    let verdict = rig.deploy("notebook", "?dryRun=true", other).await.expect(200)["verdict"].clone();
    assert_eq!(verdict["accepted"], true, "{verdict:#}");
    verdict
}

/// Judges until every function was called: on a busy machine the time for that may be over before.
async fn judged_whole(rig: &Rig) -> Value {
    let mut verdict = Value::Null;
    until("a verdict with calls of every function", async || {
        verdict = judged(rig).await;
        let functions = verdict["functions"].as_array().unwrap();
        functions.iter().all(|one| one["result"] != "notCalled")
    })
    .await;
    verdict
}

/// What `verdict` says of each function: its name, the result, and the numbers or the reason.
fn functions(verdict: &Value) -> Vec<[&str; 3]> {
    let functions = verdict["functions"].as_array().unwrap().iter();
    functions.map(|one| ["function", "result", "detail"].map(|member| one[member].as_str().unwrap())).collect()
}

fn warnings(verdict: &Value) -> Vec<&str> {
    verdict["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
}

/// The finding of the check `start`.
fn start(verdict: &Value) -> &str {
    let checks = verdict["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "start").unwrap()["detail"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_lists_which_functions_answered_called_others_or_failed() {
    // A scenario, the function that does not answer, its result, the end of the detail, and the warning.
    let cases = [
        ("", "none", "", "", ""),
        ("read-asks", "note", "calledOthers", "where its call ended", ""),
        ("write-panics-on-nothing", "write", "failed", " calls failed: trap", ""),
        (
            "write-panics",
            "write",
            "failed",
            " calls failed: trap",
            "write: it fails with a trap, as it does in the live release",
        ),
    ];
    for (scenario, other, result, detail, warning) in cases {
        let rig = rig(scenario, "").await;
        let verdict = judged_whole(&rig).await;
        let functions = functions(&verdict);
        let names: Vec<_> = functions.iter().map(|[name, ..]| *name).collect();
        assert_eq!(names, ["note", "count", "pair", "write", "add"], "{scenario}");
        for [name, found, told] in functions {
            let due = if name == other { (result, detail) } else { ("answered", " calls answered") };
            assert!(found == due.0 && told.ends_with(due.1), "{scenario}: {verdict:#}");
        }
        let due: Vec<_> = [warning].into_iter().filter(|warning| !warning.is_empty()).collect();
        assert_eq!(warnings(&verdict), due, "{scenario}");
        let count = if result.is_empty() { 5 } else { 4 };
        assert!(start(&verdict).contains(&format!("{count} functions answered")), "{verdict:#}");
        assert!(result.is_empty() || start(&verdict).contains(&format!("({other}")), "{verdict:#}");
        rig.stop().await;
    }
}

/// The first function does not end, and takes the time of all.
#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_says_of_functions_that_it_did_not_call_why() {
    let rig = rig("read-spins", "limits.deadline_ms = 1_000").await;
    let mut verdict = Value::Null;
    // On a busy machine the time may be over before the first one.
    until("a call of the first function", async || {
        verdict = judged(&rig).await;
        verdict["functions"][0]["result"] == "failed"
    })
    .await;
    let mut due = vec![["note", "failed", "1 of 1 calls failed: deadline"]];
    let why = "the time for the rehearsal was over";
    due.extend(["count", "pair", "write", "add"].map(|name| [name, "notCalled", why]));
    assert_eq!(functions(&verdict), due);
    for text in [start(&verdict), verdict["text"].as_str().unwrap()] {
        assert!(text.contains("0 functions answered") && text.contains(&format!("(count: {why}; pair: ")), "{text}");
    }
    assert_eq!(warnings(&verdict), ["note: it fails with a deadline, as it does in the live release"]);
    rig.stop().await;
}

fn is_of_fixed_ids(warning: &str) -> bool {
    warning.starts_with("add: two calls with different random numbers gave the same id") && warning.contains("`new-id`")
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_the_toolchain_has_fixed_are_a_warning_in_the_verdict() {
    let rig = rig("add-frozen", "").await;
    // On a busy machine there may be no time for a second call.
    until("the warning", async || {
        let verdict = judged(&rig).await;
        let found = warnings(&verdict);
        assert!(found.iter().all(|warning| is_of_fixed_ids(warning)), "{found:?}");
        !found.is_empty() && verdict["text"].as_str().unwrap().contains("warning: add: two calls")
    })
    .await;
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_refuses_lists_the_functions_too() {
    let rig = Rig::pair("").await;
    let answer = rig.deploy("back", "", variant("smoke=panic")).await.expect(422);
    let verdict = &answer["verdict"];
    let failed = functions(verdict).into_iter().find(|[_, result, _]| *result == "failed");
    let [name, _, detail] = failed.unwrap_or_else(|| panic!("{verdict:#}"));
    assert!(detail.ends_with(" calls failed: trap"), "{verdict:#}");
    let problem = format!("does not answer a call of test:calls/back@1.0.0#{name}");
    let problems = verdict["problems"].as_array().unwrap();
    assert!(problems.iter().any(|one| one["found"].as_str().unwrap().contains(&problem)), "{verdict:#}");
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["verdict"]["functions"]), (&json!("refused"), &verdict["functions"]));
}
