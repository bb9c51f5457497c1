//! Events and schedules as an operator sees them, over the operator's side of a whole host.

use serde_json::{Value, json};

use crate::guest::component;
use crate::releases::{Rig, Setup, until};

async fn start() -> Rig {
    Setup::new("limits.circuit_failures = 1_000_000")
        .service("source", "test:events/source-service", &component("emits.wasm"))
        .service("sink", "test:events/sink-service", &component("takes.wasm"))
        .service("clock", "test:events/clock-service", &component("takes.wasm"))
        .with("[events]\nattempts_max = 1")
        .start()
        .await
}

async fn run(rig: &Rig, service: &str, script: &str) {
    rig.operator.post_json(&format!("/services/{service}/call/run"), &json!({ "script": script })).await.expect(200);
}

async fn failed_deliveries(rig: &Rig) -> Vec<Value> {
    let taken = rig.operator.get("/events/sink").await.expect(200);
    taken["failedDeliveries"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_replays_and_deletes_dead_letters() {
    let rig = start().await;
    run(&rig, "sink", "set broken 1").await;
    for event in 1..=3 {
        run(&rig, "source", &format!("emit {event} {{fail-if broken; append log {event}}}")).await;
    }
    until("three dead letters", async || failed_deliveries(&rig).await.len() == 3).await;
    let subscriptions = rig.operator.get("/events").await.expect(200);
    let one = &subscriptions["items"][0];
    let interfaces = json!(["test:events/happenings@1"]);
    assert_eq!((&one["service"], &one["from"], &one["interfaces"]), (&json!("sink"), &json!("source"), &interfaces));
    assert_eq!((&one["dead"], &one["retrying"], &one["lagEvents"]), (&json!(3), &json!(0), &json!(0)));
    let delivery = &failed_deliveries(&rig).await[0];
    let payload = json!({"key": "1", "script": "fail-if broken; append log 1"});
    assert_eq!(
        (&delivery["state"], &delivery["function"], &delivery["payload"]),
        (&json!("dead"), &json!("happened"), &payload)
    );
    assert_eq!((&delivery["attempts"], &delivery["error"]), (&json!(1), &json!("sink failed")));

    let ids: Vec<_> = failed_deliveries(&rig).await.iter().map(|delivery| delivery["id"].clone()).collect();
    run(&rig, "sink", "delete broken").await;
    let post = async |path: &str, body: Value| rig.operator.post_json(path, &body).await;
    let replayed = post("/events/sink/replay", json!({"ids": [ids[1]], "reason": "mended"})).await.expect(200);
    assert_eq!(replayed, json!({"count": 1}));
    until("one letter is delivered", async || failed_deliveries(&rig).await.len() == 2).await;
    for (path, body, status) in [
        ("/events/sink/replay", json!({"ids": [ids[1]]}), 404),
        ("/events/sink/replay", json!({"ids": ["what"]}), 400),
        ("/events/sink/replay", json!({"ids": [ids[0]], "all": true}), 400),
        ("/events/sink/drop", json!({}), 400),
        ("/events/nobody/drop", json!({"all": true}), 404),
    ] {
        assert_eq!(post(path, body.clone()).await.status, status, "{path} {body}");
    }
    assert_eq!(post("/events/sink/drop", json!({"all": true})).await.expect(200), json!({"count": 2}));
    assert_eq!(failed_deliveries(&rig).await, Vec::<Value>::new());
    let history = rig.operator.get("/history?service=sink&limit=2").await.expect(200);
    let told = |line: usize| (history["items"][line]["what"].clone(), history["items"][line]["reason"].clone());
    assert_eq!(told(0), (json!("dropEvents"), json!("2 dead letters")));
    assert_eq!(told(1), (json!("replayEvents"), json!("1 dead letter: mended")));

    let viewer = json!({"name": "eve", "role": "viewer"});
    let token = post("/tokens", viewer).await.expect(201)["token"].as_str().unwrap().to_owned();
    let eve = rig.operator.with_token(&token);
    assert_eq!(eve.get("/events/sink").await.status, 200);
    assert_eq!(eve.post_json("/events/sink/drop", &json!({"all": true})).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_schedules() {
    let rig = start().await;
    let schedules = async |of: &str| rig.operator.get(&format!("/schedules{of}")).await.expect(200)["items"].clone();
    run(&rig, "clock", "set broken 1").await;
    run(&rig, "clock", "set tick fail-if broken").await;
    until("a failure", async || schedules("").await[0]["failures"].as_u64().is_some_and(|failures| failures > 0)).await;
    let schedule = &schedules("?service=clock").await[0];
    assert_eq!((&schedule["function"], &schedule["everyMs"]), (&json!("test:events/ticks@1#tick"), &json!(100)));
    assert_eq!(schedule["error"], "clock failed");
    assert_eq!(schedules("?service=sink").await, json!([]));
    assert_eq!(rig.operator.get("/schedules?service=nobody").await.status, 404);
    let metrics = rig.operator.get("/metrics").await.expect(200);
    let failed =
        r#"switchyard_schedule_runs_total{service="clock",function="test:events/ticks@1#tick",outcome="failed"}"#;
    assert!(
        metrics.as_str().unwrap().lines().any(|line| line.starts_with(failed) && !line.ends_with(" 0")),
        "{metrics}"
    );
}
