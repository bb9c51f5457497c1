//! What the operator sees of a handover: its plan, its status, its metrics and its lines in the history.

use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::handovers::{CONTRACT, host};
use super::{Rig, Setup, until};

impl Rig {
    /// The newest line of the history about a change of the kind `what`.
    async fn line(&self, what: &str) -> Value {
        let lines = self.history().await;
        let line = lines.iter().rev().find(|line| line["what"] == what);
        line.unwrap_or_else(|| panic!("no line {what}: {lines:#?}")).clone()
    }
}

/// What the history has of a change: who made it, from which release to which, why, and how many entities were copied.
fn told(line: &Value) -> Value {
    let figures = &line["figures"];
    json!([line["who"], line["from"], line["to"], line["reason"], figures["phase"], figures["entities"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_has_a_line_with_figures_for_each_step_of_a_handover() {
    let rig = host("layout=a").await;
    rig.fill("note", 300).await;
    let (own, other) = (rig.live().await, digest(&shelf("layout=b")));
    let bytes = rig.service("shelf").await["storeBytes"].as_u64().unwrap();
    let plan = format!(
        "handover: 64 entities moved on a snapshot; {bytes} bytes of data will be copied to the format shelf-b; new \
         calls then wait 250 ms at most"
    );
    let tried = rig.deploy("shelf", "?handover=true&dryRun=true", shelf("layout=b")).await.expect(200);
    assert!(tried["verdict"]["text"].as_str().unwrap().contains(&plan), "{tried:#}");
    assert!(tried["verdict"]["timings"]["handoverTrialMs"].is_u64(), "{tried:#}");
    assert_eq!(rig.told("shelf").await.len(), 0);

    rig.deploy("shelf", "?handover=true&reason=new%20layout", shelf("layout=b")).await.expect(201);
    until("the handover", async || rig.live().await == other).await;
    let began = rig.line("mirror").await;
    assert_eq!((&began["who"], &began["reason"]), (&json!("admin"), &json!("new layout")));
    assert!(began["verdict"]["text"].as_str().unwrap().contains(&plan), "{began:#}");
    let line = rig.line("handover").await;
    assert_eq!(told(&line), json!(["admin", own, other, "new layout", "following", 300]), "{line:#}");
    assert_eq!((&line["figures"]["imported"], line["figures"]["attempts"].is_u64()), (&json!(300), true), "{line:#}");

    until("the way back", async || rig.change("shelf", "rollback?reason=too%20slow").await.status == 200).await;
    let line = rig.line("rollback").await;
    assert_eq!(told(&line), json!(["admin", other, own, "too slow", "following", 300]), "{line:#}");
    until("the mirror", async || rig.service("shelf").await["mirror"].get("status").is_some()).await;
    rig.change("shelf", "settle?reason=stays").await.expect(200);
    let line = rig.line("settle").await;
    assert_eq!(told(&line), json!(["admin", other, own, "stays", "following", 300]), "{line:#}");
    assert_eq!(rig.told("shelf").await, ["mirror", "handover", "rollback", "settle"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_a_mirror_are_in_its_status_and_in_the_metrics() {
    // The metrics are those of all hosts of this process: no other test has a service of this name.
    let setup = Setup::new("limits.store_bytes_max = 4_000_000");
    let rig = setup.service("measured", CONTRACT, &shelf("layout=a")).start().await;
    let call = async |function: &str, arguments: Value| {
        rig.operator.post_json(&format!("/services/measured/call/{function}"), &arguments).await.expect(204);
    };
    call("fill", json!({ "prefix": "note", "count": 300 })).await;
    rig.deploy("measured", "?handover=true&header=x-try=new", shelf("layout=b")).await.expect(201);
    let mirror = async || rig.service("measured").await["mirror"].clone();
    until("the copy", async || mirror().await["isReadable"] == true).await;
    let complete = |imported: u32| {
        json!({
            "phase": "following", "entities": 300, "imported": imported, "commitsBehind": 0, "behindMs": 0, "attempts": 0,
        })
    };
    assert_eq!(mirror().await["status"], complete(300));
    assert_eq!((&mirror().await["wasLive"], &mirror().await["header"]["name"]), (&json!(false), &json!("x-try")));
    let metric = async |name: &str| -> f64 {
        let metrics = rig.operator.get("/metrics").await.expect(200);
        let name = format!("switchyard_mirror_{name}{{service=\"measured\"}} ");
        let line = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    };
    let bytes = async || f64::from(u32::try_from(mirror().await["bytes"].as_u64().unwrap()).unwrap());
    let before = bytes().await;
    assert!(before > 0.0);
    let figures = async || [metric("entities").await, metric("commits_behind").await, metric("behind_seconds").await];
    until("the metrics", async || metric("bytes").await == before && figures().await == [300.0, 0.0, 0.0]).await;

    call("put", json!({ "key": "note000007", "text": "a much longer text than before" })).await;
    until("the copy", async || mirror().await["status"] == complete(301)).await;
    let after = bytes().await;
    assert!(after > before, "{after}");
    until("the metrics", async || metric("bytes").await == after && figures().await == [300.0, 0.0, 0.0]).await;
    // A handover that the operator gives up is in the history with these figures, and its mirror is gone.
    rig.change("measured", "settle?reason=not%20now").await.expect(200);
    let line = rig.line("mirrorEnded").await;
    assert_eq!((&line["who"], &line["reason"], &line["figures"]), (&json!("admin"), &json!("not now"), &complete(301)));
    assert_eq!(rig.service("measured").await.get("mirror"), None);
}
