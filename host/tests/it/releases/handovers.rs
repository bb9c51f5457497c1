//! Handovers between implementations in real Wasm, right ones and wrong ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::http::{Answer, Client};
use super::refusals::refused;
use super::{Rig, Setup, until};

pub(super) const CONTRACT: &str = "test:shelf/shelf-service@1.0.0";

/// A host whose service `shelf` runs the variant `text`.
pub(super) async fn host(text: &str) -> Rig {
    Setup::new("limits.store_bytes_max = 4_000_000").service("shelf", CONTRACT, &shelf(text)).start().await
}

/// Calls a function of the service `shelf`, as the operator.
pub(super) async fn call(operator: &Client, function: &str, arguments: Value) -> Answer {
    operator.post_json(&format!("/services/shelf/call/{function}"), &arguments).await
}

/// All notes.
pub(super) async fn notes(operator: &Client) -> BTreeMap<String, String> {
    let all = call(operator, "all", json!({})).await.expect(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.as_array().unwrap().iter().map(|note| (text(&note[0]), text(&note[1]))).collect()
}

impl Rig {
    pub(super) async fn put(&self, key: &str, text: &str) {
        call(&self.operator, "put", json!({ "key": key, "text": text })).await.expect(204);
    }

    pub(super) async fn fill(&self, prefix: &str, count: u32) {
        call(&self.operator, "fill", json!({ "prefix": prefix, "count": count })).await.expect(204);
    }

    pub(super) async fn live(&self) -> String {
        self.service("shelf").await["live"]["digest"].as_str().unwrap().into()
    }

    /// Hands `shelf` over to the variant `text`, to the end.
    pub(super) async fn hand_over(&self, text: &str) {
        let component = shelf(text);
        let digest = digest(&component);
        self.deploy("shelf", "?handover=true", component).await.expect(201);
        until("the handover", async || self.live().await == digest).await;
    }

    /// The reason for which the host gave a handover up.
    pub(super) async fn given_up(&self) -> String {
        until("the end of the handover", async || self.service("shelf").await.get("mirror").is_none()).await;
        let line = self.history().await.pop().unwrap();
        assert_eq!((&line["what"], &line["who"]), (&json!("mirrorEnded"), &json!("host")), "{line}");
        line["reason"].as_str().unwrap().into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_goes_to_another_layout_and_back_and_the_way_back_is_open_at_once() {
    let rig = host("layout=a").await;
    rig.fill("note", 500).await;
    let own = rig.live().await;
    rig.hand_over("layout=b").await;
    // The mirror of the other direction need not read all entities again. It is there a moment after the swap.
    let mut rolled_back = rig.change("shelf", "rollback").await;
    // On a busy machine the last pages may not be copied while calls wait, and the operator tries again.
    let is_soon = |detail: &str| detail.contains("is not running yet") || detail.contains("within the time");
    while is_soon(rolled_back.detail()) {
        rolled_back = rig.change("shelf", "rollback").await;
    }
    assert_eq!(rolled_back.expect(200)["live"]["digest"], json!(own));
    for (turn, expected) in [(1, "b"), (2, "a"), (3, "b"), (4, "a")] {
        rig.put("note000007", &format!("turn {turn}")).await;
        rig.put(&format!("new{turn}"), "note").await;
        call(&rig.operator, "remove", json!({ "key": format!("note00010{turn}") })).await.expect(204);
        let before = notes(&rig.operator).await;
        until("the way back", async || {
            let answer = rig.change("shelf", "rollback").await;
            assert!(matches!(answer.status, 200 | 409), "{answer:?}");
            answer.status == 200
        })
        .await;
        let live = rig.live().await;
        assert_eq!(live == own, expected == "a", "turn {turn}");
        let after = notes(&rig.operator).await;
        assert_eq!(after, before, "turn {turn}");
        assert_eq!((after.len(), after["note000007"].as_str()), (500, format!("turn {turn}").as_str()));
    }
    // A mirror that was interrupted by a restart has to read all of them.
    let rig = rig.restart().await;
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    assert_eq!(notes(&rig.operator).await.len(), 500);
    rig.change("shelf", "settle").await.expect(200);
    until("the deletion", async || {
        rig.operator.get("/services/shelf/entries?prefix=a").await.expect(200)["items"] == json!([])
    })
    .await;
    assert_eq!(notes(&rig.operator).await.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_after_a_handover_reads_the_data_of_the_live_implementation() {
    let rig = host("layout=a").await;
    rig.fill("note", 50).await;
    rig.hand_over("layout=b").await;
    assert_eq!(notes(&rig.operator).await.len(), 50);
    let query = "?dataCompatible=true&dryRun=true";
    let same = rig.deploy("shelf", query, shelf("layout=b|mark=2")).await.expect(200);
    let functions = same["verdict"]["rehearsal"]["functions"].as_array().unwrap();
    for name in ["export-state", "all"] {
        let function = functions.iter().find(|function| function["function"] == name).unwrap();
        assert_eq!((&function["equal"], &function["had"]), (&json!(1), &json!(1)), "{name}: {same:#}");
    }
    // Neither the data of the other generation nor none at all is what the live implementation answers.
    for layout in ["layout=a", "layout=c"] {
        let answer = rig.deploy("shelf", query, shelf(layout)).await;
        refused(answer, "answers", &["recent calls of all", "does not read the data"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_does_not_end_is_stopped() {
    let rig = host("layout=a|export=endless").await;
    rig.fill("note", 100).await;
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("its export does not end") && why.contains("bytes"), "{why}");
    // Nor does it fill the file of an operator.
    let exported = rig.operator.get("/services/shelf/state").await.expect(200);
    let text = exported.as_str().unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.contains("error") && last.contains("does not end"), "{last}");

    let rig = host("layout=a|export=stuck").await;
    rig.fill("note", 100).await;
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("exports the entity \"note000000\"") && why.contains("not after \"note0000"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_export_does_not_end_is_stopped_before_it_is_live() {
    let rig = host("layout=a").await;
    rig.fill("note", 10).await;
    for (text, expected) in [
        ("layout=b|export=endless", "was removed, and the export afterwards still has it"),
        ("layout=b|export=stuck", "not after"),
    ] {
        let refused = rig.deploy("shelf", "?handover=true", shelf(text)).await;
        assert!(refused.detail().contains(expected), "{text}: {}", refused.detail());
        refused.expect(422);
    }
    assert_eq!(notes(&rig.operator).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_importer_is_stopped_with_the_deadline_and_a_trap_with_its_reason() {
    for (text, expected) in
        [("layout=b|import=spins", "the deadline of the call passed"), ("layout=b|import=panics", "trapped")]
    {
        let rig = host("layout=a").await;
        rig.fill("note", 64).await;
        rig.put("slow", "note").await;
        let own = rig.live().await;
        rig.deploy("shelf", "?handover=true", shelf(text)).await.expect(201);
        // Calls go on while the importer is slow.
        for number in 0..20 {
            rig.put("note000001", &number.to_string()).await;
        }
        let why = rig.given_up().await;
        assert!(why.contains(expected), "{text}: {why}");
        assert_eq!((rig.live().await, notes(&rig.operator).await.len()), (own, 65));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_not_changed_by_hand_while_a_handover_copies_the_data() {
    let rig = host("layout=a").await;
    rig.fill("note", 64).await;
    rig.put("slow", "note").await;
    let set = async || rig.operator.send("PUT", "/services/shelf/entry?key=a%2Fnote000001", "by hand").await;
    set().await.expect(200);
    rig.deploy("shelf", "?handover=true", shelf("layout=b|import=spins")).await.expect(201);
    let refused = set().await;
    assert!(refused.detail().contains("switchyard settle shelf"), "{refused:?}");
    refused.expect(409);
    rig.change("shelf", "settle").await.expect(200);
    set().await.expect(200);
    until("the deletion", async || {
        let answer = rig.deploy("shelf", "?handover=true", shelf("layout=b")).await;
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
        answer.status == 201
    })
    .await;
    // After the swap, the entries are those of the new implementation, and the way back gets what they say.
    let changed = "/services/shelf/entry?key=b%2Fnote000001";
    until("the swap", async || rig.operator.get(changed).await.status == 200).await;
    rig.operator.send("PUT", changed, "by hand again").await.expect(200);
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    assert_eq!(notes(&rig.operator).await["note000001"], "by hand again");
}
