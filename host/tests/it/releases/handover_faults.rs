//! Handovers to implementations that lose a part of an entity, and to slow ones: the reason names the field.

use super::components::shelf;
use super::handovers::{host, notes};

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
