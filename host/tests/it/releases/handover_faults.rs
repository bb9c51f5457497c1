//! Handovers to implementations that lose a part of an entity, to slow ones, and from those whose export leaves entities out:
//! the reason names the field, the entity or the function.

use serde_json::json;

use super::components::{digest, shelf};
use super::handovers::{call, host, notes};
use super::{Rig, until};

/// What is wrong with an importer, and the reason for which the handover is stopped.
const WRONG: [(&str, &str); 2] = [
    ("drops", "\"tea\" is not the same after its import: /note/price is nothing and should be an object of 2 members"),
    ("rounds", "\"tea\" is not the same after its import: /note/price/amount is 1200 and should be 1299"),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_importer_that_drops_a_field_or_rounds_money_is_stopped_with_the_field() {
    for (fault, expected) in WRONG {
        let wrong = || shelf(&format!("layout=b|import={fault}"));
        let rig = host("layout=a").await;
        rig.put("tea", "tea, 1299 EUR").await;
        let own = rig.live().await;
        // Among a few entities it is found before the handover begins.
        let refused = rig.deploy("shelf", "?handover=true", wrong()).await;
        assert!(refused.detail().contains(expected), "{fault}: {}", refused.detail());
        refused.expect(422);
        // Behind those that a trial moves, it is found by the handover.
        rig.fill("note", 200).await;
        rig.deploy("shelf", "?handover=true", wrong()).await.expect(201);
        let why = rig.given_up().await;
        assert!(why.contains(expected), "{fault}: {why}");
        let notes = notes(&rig.operator).await;
        assert_eq!((rig.live().await, notes.len(), &*notes["tea"]), (own, 201, "tea, 1299 EUR"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_exporter_is_stopped_with_the_deadline() {
    let deadline = "the deadline of the call passed";
    // The live one is slow behind the notes that a trial reads.
    let rig = host("layout=a|export=spins-late").await;
    rig.fill("note", 200).await;
    let own = rig.live().await;
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("the release whose data is copied") && why.contains(deadline), "{why}");
    assert_eq!((rig.live().await, notes(&rig.operator).await.len()), (own, 200));

    let rig = host("layout=a").await;
    rig.fill("note", 10).await;
    let refused = rig.deploy("shelf", "?handover=true", shelf("layout=b|export=spins")).await;
    let detail = refused.detail();
    assert!(detail.contains("the release that the data is copied to") && detail.contains(deadline), "{detail}");
    refused.expect(422);
    assert_eq!(notes(&rig.operator).await.len(), 10);
}

impl Rig {
    /// What the live release has under `key`, or nothing.
    async fn note_or_none(&self, key: &str) -> serde_json::Value {
        call(&self.operator, "get", json!({ "key": key })).await.expect(200)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_leaves_entities_out_is_stopped_if_a_recent_call_reads_one_of_them() {
    let rig = host("layout=a|export=skips").await;
    rig.fill("note", 200).await;
    let own = rig.live().await;
    for key in ["note000001", "note000107", "absent"] {
        rig.note_or_none(key).await;
    }
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("find nothing there: 1 of 3 calls of get;"), "{why}");
    assert!(!why.contains("note000107"), "arguments are not shown: {why}");
    assert_eq!((rig.live().await, rig.note_or_none("note000107").await), (own, json!("note 107")));
    // The operator may want it all the same.
    let other = digest(&shelf("layout=b"));
    until("the deletion", async || {
        let answer = rig.deploy("shelf", "?handover=true&answersMayDiffer=true", shelf("layout=b")).await;
        assert!(matches!(answer.status, 201 | 409), "{answer:?}");
        answer.status == 201
    })
    .await;
    until("the handover", async || rig.live().await == other).await;
    assert_eq!(notes(&rig.operator).await.len(), 180);
    // The earlier implementation still has what it has not exported.
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    assert_eq!(rig.note_or_none("note000107").await, json!("note 107"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_leaves_out_what_lies_at_the_border_of_a_page_is_stopped_without_any_call() {
    let rig = host("layout=a|export=skips-at-borders").await;
    rig.fill("note", 200).await;
    let own = rig.live().await;
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("exports the entity \"note000008\" in pages of one size, and leaves it out"), "{why}");
    assert_eq!((rig.live().await, notes(&rig.operator).await.len()), (own, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_traps_on_the_copy_stops_the_handover_before_the_swap() {
    let rig = host("layout=a").await;
    rig.fill("note", 200).await;
    let own = rig.live().await;
    assert_eq!(rig.note_or_none("note000150").await, json!("note 150"));
    rig.deploy("shelf", "?handover=true", shelf("layout=b|traps=get")).await.expect(201);
    let why = rig.given_up().await;
    assert!(why.contains("fail on the copy, or find nothing there: 1 of 1 calls of get;"), "{why}");
    assert_eq!((rig.live().await, notes(&rig.operator).await.len()), (own, 200));
}
