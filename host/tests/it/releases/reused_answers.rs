//! Answers that are given again, as clients and operators see them.

use serde_json::json;

use super::components::says;
use super::http::{Answer, encoded};
use super::process::Process;
use super::{Rig, Setup};

fn etag(answer: &Answer) -> String {
    answer.headers["etag"].to_str().unwrap().to_owned()
}

/// The share of `front`'s calls that did not run.
async fn reused(rig: &Rig) -> (u64, u64) {
    let figures = &rig.service("front").await["figures"];
    (figures["reused"].as_u64().unwrap(), figures["calls"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_the_same_bytes_again_until_they_change_and_can_ask_whether_they_did() {
    let rig = Rig::pair("").await;
    let path = format!("/front?script={}", encoded("get n; back.read{get m}"));
    let first = rig.public.get(&path).await;
    assert_eq!((first.status, &first.body), (200, &json!("none,none")));
    for _ in 0..3 {
        let again = rig.public.get(&path).await;
        assert_eq!((again.status, &again.body, etag(&again)), (200, &first.body, etag(&first)));
    }
    assert_eq!(reused(&rig).await, (3, 4));
    let knows = rig.public.with_header("if-none-match", &etag(&first));
    assert_eq!(knows.get(&path).await.status, 304);
    for write in ["add n", "back.write{add m}"] {
        rig.act(write).await;
        let changed = rig.public.get(&path).await;
        assert_ne!(etag(&changed), etag(&first), "{write}");
        assert_eq!(knows.get(&path).await.status, 200, "{write}");
    }
    assert_eq!(rig.public.get(&path).await.body, json!("1,1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_release_and_the_next_start_answer_by_themselves() {
    let rig = Rig::pair("").await;
    let script = "variant; back.read{variant}";
    for expected in ["1,1", "1,1"] {
        assert_eq!(rig.look(script).await, expected);
    }
    rig.deploy("back", "", says("2")).await.expect(201);
    assert_eq!(rig.look(script).await, "1,2");
    rig.deploy("front", "", says("2")).await.expect(201);
    assert_eq!(rig.look(script).await, "2,2");
    rig.change("back", "rollback").await.expect(200);
    assert_eq!(rig.look(script).await, "2,1");
    let rig = rig.restart().await;
    assert_eq!(rig.look(script).await, "2,1");
    assert_eq!(reused(&rig).await.0, 0, "a start has no answers yet");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_turns_reuse_off_for_all() {
    for keys in ["limits.reuse = false", "runtime.reuse_bytes_max = 0"] {
        let rig = Rig::pair(keys).await;
        for _ in 0..3 {
            assert_eq!(rig.look("get n").await, "none");
        }
        assert_eq!(reused(&rig).await, (0, 3), "{keys}");
        rig.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reuse_can_be_off_for_one_service_and_the_metrics_say_why_others_are_reused_less() {
    let setup = Setup::pair("").with("limits.reuse = false");
    setup.write_manifest();
    // A process of its own: metrics are those of a process.
    let process = Process::start(setup.folder.path()).await;
    for script in ["get n; back.read{get m}", "get n; back.read{get m}", "get n", "get n"] {
        process.public.get(&format!("/front?script={}", encoded(script))).await.expect(200);
    }
    let metrics = process.operator.get("/metrics").await.expect(200).as_str().unwrap().to_owned();
    for line in [
        r#"switchyard_reuse_hits_total{service="front"} 1"#,
        r#"switchyard_reuse_misses_total{service="front",cause="new"} 3"#,
        r#"switchyard_reuse_not_cached_total{service="front",cause="off"} 2"#,
        r#"switchyard_reuse_hits_total{service="back"} 0"#,
    ] {
        assert!(metrics.lines().any(|shown| shown == line), "{line} in {metrics}");
    }
    let figures = process.operator.get("/services/front").await.expect(200)["figures"].clone();
    assert_eq!((&figures["reused"], &figures["calls"]), (&json!(1), &json!(4)));
}
