//! A handover waits for calls that have begun and not ended: they end on the implementation that they began with.

use serde_json::{Value, json};

use super::components::{digest, errands};
use super::handovers::{call, notes};
use super::{Rig, Setup, until};

const CONTRACT: &str = "test:shelf/errand-service@1.0.0";

/// A call that failed is made again when the operator says so, and its client does not wait for long.
const LATER: &str =
    "limits.deadline_ms = 1_000\nretries.intent_retry_ms_min = 600_000\nretries.intent_retry_ms_max = 600_000";

/// The reason for which an attempt at the swap fails.
const UNFINISHED: &str = "has 1 unfinished calls, which must end on the release that they began with";

impl Rig {
    /// What is seen of the only unfinished call.
    async fn unfinished(&self) -> Vec<Value> {
        self.operator.get("/intents").await.expect(200)["items"].as_array().unwrap().clone()
    }

    /// Begins a call that has written in `back`, and cannot end while there is the note `stop`. Returns its id.
    async fn begin_errand(&self) -> String {
        self.put("stop", "yes").await;
        let arguments = json!({ "script": "add m", "key": "late", "text": "written" });
        assert_eq!(call(&self.operator, "put-after", arguments).await.status, 504);
        let mut id = String::new();
        until("a failed attempt", async || {
            let [intent] = &self.unfinished().await[..] else { return false };
            id = intent["id"].as_str().unwrap().into();
            intent["service"] == "shelf" && intent["running"] == false && intent["attempts"].as_u64() >= Some(1)
        })
        .await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_waits_until_the_service_has_no_unfinished_call() {
    let rig = Setup::pair(LATER).service("shelf", CONTRACT, &errands("layout=a")).start().await;
    rig.fill("note", 100).await;
    let (own, other) = (rig.live().await, digest(&errands("layout=b")));
    let id = rig.begin_errand().await;
    rig.deploy("shelf", "?handover=true", errands("layout=b")).await.expect(201);
    let mut attempts = 0;
    until("two attempts that the call prevents", async || {
        let status = rig.service("shelf").await["mirror"]["status"].clone();
        attempts = status["attempts"].as_u64().unwrap_or(0);
        attempts >= 2 && status["error"].as_str().is_some_and(|error| error.contains(UNFINISHED))
    })
    .await;
    // Other calls are served meanwhile, on the live implementation.
    rig.put("note000001", "meanwhile").await;
    assert_eq!((rig.live().await, rig.unfinished().await.len()), (own, 1));
    call(&rig.operator, "remove", json!({ "key": "stop" })).await.expect(204);
    rig.operator.post(&format!("/intents/{id}/retry"), "").await.expect(200);
    until("the handover", async || rig.live().await == other).await;
    assert_eq!(rig.unfinished().await, Vec::<Value>::new());
    let notes = notes(&rig.operator).await;
    assert_eq!((notes.len(), &*notes["late"], &*notes["note000001"]), (101, "written in a", "meanwhile"));
    assert_eq!(rig.look("back.read{get m}").await, "1", "the call has written in the other service once");
    assert_eq!(rig.told("shelf").await, ["mirror", "handover"]);
    let line = rig.history().await.into_iter().find(|line| line["what"] == "handover").unwrap();
    assert!(line["figures"]["attempts"].as_u64() >= Some(attempts), "{line:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_of_a_handover_waits_for_an_unfinished_call_too() {
    let rig = Setup::pair(LATER).service("shelf", CONTRACT, &errands("layout=a")).start().await;
    rig.fill("note", 100).await;
    let (own, other) = (rig.live().await, digest(&errands("layout=b")));
    rig.deploy("shelf", "?handover=true", errands("layout=b")).await.expect(201);
    until("the handover", async || rig.live().await == other).await;
    let id = rig.begin_errand().await;
    let is_following = async || rig.service("shelf").await["mirror"]["status"]["phase"] == "following";
    until("the way back", is_following).await;
    let refused = rig.change("shelf", "rollback").await;
    assert!(refused.detail().contains(UNFINISHED), "{refused:?}");
    refused.expect(409);
    assert_eq!(rig.live().await, other);
    // The operator may also give the call up. Then nothing of it is written here.
    rig.operator.post(&format!("/intents/{id}/give-up?reason=by%20hand"), "").await.expect(200);
    until("the rollback", async || rig.change("shelf", "rollback").await.status == 200).await;
    let notes = notes(&rig.operator).await;
    assert_eq!((rig.live().await, notes.len(), notes.contains_key("late")), (own, 101, false));
}
