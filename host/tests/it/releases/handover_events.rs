//! Events of before a handover: those that were handled are not handled again, and those that wait go to the new
//! implementation.

use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::handovers::{call, notes};
use super::{Rig, Setup, until};
use crate::guest::component;

/// The note under `log`, to which each event adds its script.
async fn logged(rig: &Rig) -> Option<String> {
    notes(&rig.operator).await.remove("log")
}

async fn emit(rig: &Rig, text: &str) {
    let script = json!({ "script": format!("emit log {{{text}}}") });
    rig.operator.post_json("/services/source/call/run", &script).await.expect(200);
}

/// How many events `shelf` has not handled, is going to try again, and has given up.
async fn left(rig: &Rig) -> [Value; 3] {
    let events = rig.operator.get("/events").await.expect(200);
    ["lagEvents", "retrying", "dead"].map(|member| events["items"][0][member].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_during_a_handover_is_handled_once_by_the_new_implementation() {
    let rig = Setup::new("limits.store_bytes_max = 4_000_000\nlimits.circuit_failures = 1_000_000")
        .service("source", "test:events/source-service", &component("emits.wasm"))
        .service("shelf", "test:shelf/listening-shelf-service@1.0.0", &shelf("layout=a"))
        .with("[events]\nattempts_max = 1_000\nretry_ms_min = 50\nretry_ms_max = 200")
        .start()
        .await;
    emit(&rig, "one").await;
    until("the first event", async || logged(&rig).await.is_some()).await;
    // The next one cannot be handled yet.
    rig.put("broken", "yes").await;
    emit(&rig, "two").await;
    until("an event that waits", async || left(&rig).await[1] == 1).await;
    rig.hand_over("layout=b").await;
    assert_eq!((logged(&rig).await.as_deref(), &left(&rig).await[1]), (Some("one"), &json!(1)));
    call(&rig.operator, "remove", json!({ "key": "broken" })).await.expect(204);
    until("the second event", async || logged(&rig).await.as_deref() == Some("onetwo")).await;
    emit(&rig, "three").await;
    until("all events", async || left(&rig).await == [0, 0, 0]).await;
    assert_eq!(logged(&rig).await.as_deref(), Some("onetwothree"));
    assert_eq!(rig.live().await, digest(&shelf("layout=b")));
    // The way back has the same log, and what was handled stays handled.
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    emit(&rig, "four").await;
    until("all events", async || left(&rig).await == [0, 0, 0]).await;
    assert_eq!(logged(&rig).await.as_deref(), Some("onetwothreefour"));
}
