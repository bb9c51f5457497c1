//! Shadow runs: what they find, what they hide, and that nothing of them stays.

use futures::future::join_all;
use serde_json::{Value, json};

use super::components::{digest, marked, says, variant};
use super::{Rig, look, until};
use crate::guest::now;

/// There is room for every call of a test that makes one after the other.
const ROOM: &str = "deploy.shadow_runs_max = 8";

impl Rig {
    /// What shadow runs of the candidate of `service` came to, once there were `calls` of them.
    async fn report(&self, service: &str, calls: u64) -> Value {
        let report = async || self.service(service).await["candidate"]["shadow"].clone();
        let count = |report: &Value, member: &str| report[member].as_u64().unwrap_or(0);
        until("the end of the shadow runs", async || {
            let report = report().await;
            count(&report, "compared") + count(&report, "dropped") >= calls
        })
        .await;
        report().await
    }
}

/// Scripts of calls that write, and calls that only read.
const WRITES: [&str; 7] = [
    "add n; set kept/a b; time; random; variant",
    "get n; delete kept/a; emit something; keys kept/",
    "back.write{add m; time; random}; back.read{get m}; back.write{refuse today}; get n; add n",
    "back.write{front.write{add deep}}; get deep",
    "repeat 3{add n}; below n 5",
    "add n; refuse it",
    "add n; decline it",
];
const READS: [&str; 3] = ["get n; time; random", "back.read{get m; time}; who; release", "refuse it"];

/// What a report counts for `function`.
fn counted(report: &Value, function: &str) -> Value {
    let mut functions = report["functions"].as_array().unwrap().iter();
    functions.find(|counted| counted["function"] == function).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_does_the_same_is_equal_in_every_call() {
    let rig = Rig::pair(ROOM).await;
    rig.deploy("front", "?shadow=100", marked(&says("1"), "same")).await.expect(201);
    for script in WRITES {
        rig.act(script).await;
    }
    for script in READS {
        rig.look(script).await;
    }
    let calls = (WRITES.len() + READS.len()) as u64 + 1;
    let report = rig.report("front", calls).await;
    assert_eq!((&report["differences"], &report["dropped"]), (&json!([]), &json!(0)));
    assert_eq!((&report["compared"], &report["equal"]), (&json!(calls), &json!(calls)), "{report:#}");
    // One of the calls came back to it from another service.
    assert_eq!(counted(&report, "write"), json!({ "function": "write", "equal": 1, "different": 0 }));
    assert_eq!(counted(&report, "act")["equal"], WRITES.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_others_call_is_run_in_shadow_too() {
    let rig = Rig::pair(ROOM).await;
    rig.deploy("back", "?shadow=100", marked(&says("1"), "same")).await.expect(201);
    assert_eq!(
        rig.act("back.write{add m; time}; back.read{get m}; back.write{front.write{add n}}; add n").await.len(),
        24
    );
    assert_eq!(rig.report("back", 3).await["equal"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_lost_against_others_and_ran_again_are_equal_too() {
    let rig = Rig::pair(ROOM).await;
    rig.deploy("front", "?shadow=100", marked(&says("1"), "same")).await.expect(201);
    let clients = (0..8).map(async |_| {
        for _ in 0..10 {
            rig.act("add n; back.write{add m}; get n").await;
        }
    });
    join_all(clients).await;
    let report = rig.report("front", 80).await;
    assert_eq!(report["different"], 0, "{report:#}");
    assert!(report["equal"].as_u64() > Some(0), "{report:#}");
    assert_eq!(rig.write("front", "get n").await, "80");
}

/// What the live release does, what the candidate does instead, and how that is told: place, live, candidate.
const DIFFERENT: [(&str, &str, [&str; 3]); 12] = [
    ("say hunter1", "say hunter2", ["", "a text of 7 characters", "a text of 7 characters"]),
    ("say hunter1", "refuse hunter2", ["", "ok", "an error"]),
    ("refuse hunter1", "say hunter2", ["", "an error", "ok"]),
    ("say hunter1", "panic hunter2", ["", "an answer", "a failure: trap"]),
    ("set shop/hunter1 hunter1", "set shop/hunter1 hunter2", ["store/shop", "7 bytes", "7 bytes, but others"]),
    ("set shop/hunter1 hunter1", "delete shop/hunter1", ["store/shop", "7 bytes", "deleted"]),
    ("set shop/hunter1 hunter1", "", ["store/shop", "7 bytes", "not written"]),
    ("", "set shop/hunter2 hunter2", ["store/shop", "not written", "7 bytes"]),
    (
        "emit hunter1",
        "emit hunter22",
        [
            "events/0",
            "test:calls/calls-events@1.0.0#happened, 18 bytes",
            "test:calls/calls-events@1.0.0#happened, 19 bytes",
        ],
    ),
    (
        "back.write{set a hunter1}",
        "back.write{set a hunter2}",
        ["calls/0", "test:calls/back@1.0.0#write", "test:calls/back@1.0.0#write, with other arguments"],
    ),
    ("back.write{set a hunter1}", "", ["calls/0", "test:calls/back@1.0.0#write", "nothing"]),
    (
        "back.read{get a}",
        "back.read{get a}; back.write{set a hunter2}",
        ["calls/1", "nothing", "test:calls/back@1.0.0#write"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_does_otherwise_is_told_of_by_its_place_and_without_texts() {
    let rig = Rig::pair(ROOM).await;
    for (live, candidate, [path, one, other]) in DIFFERENT {
        rig.deploy("front", "?replace=true", variant(&format!("call={live}"))).await;
        rig.deploy("front", "?shadow=100&weight=100&replace=true", variant(&format!("call={candidate}")))
            .await
            .expect(201);
        rig.act("variant").await;
        let report = rig.report("front", 1).await;
        let differences = report["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 1, "{candidate}: {report:#}");
        let told = |member: &str| differences[0][member].as_str().unwrap().to_owned();
        assert_eq!((told("function"), told("path")), ("act".into(), path.to_owned()), "{candidate}: {report:#}");
        assert_eq!(told("live"), one, "{candidate}");
        assert!(told("candidate").starts_with(other), "{candidate}: {report:#}");
        assert!(!report.to_string().contains("hunter"), "{report:#}");
        assert_eq!((&report["different"], &counted(&report, "act")["different"]), (&json!(1), &json!(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_shadow_run_stays() {
    let rig = Rig::pair(ROOM).await;
    let does = "call=set mine here; add n; emit x; back.write{set reached yes}; front.write{set reached yes}; say 2";
    rig.deploy("front", "?shadow=100", variant(does)).await.expect(201);
    let before = rig.service("back").await["figures"]["calls"].clone();
    for _ in 0..3 {
        assert_eq!(rig.act("variant; add n").await.split(',').next(), Some("1"));
    }
    rig.report("front", 3).await;
    assert_eq!(rig.service("back").await["figures"]["calls"], before, "no call reached the other service");
    assert_eq!(rig.write("front", "get mine; get n; get reached").await, "none,3,none");
    assert_eq!(rig.write("back", "get reached").await, "none");
    // The candidate has no share: what it did is not among the figures that it is judged by.
    assert_eq!(rig.service("front").await["candidate"]["figures"]["calls"], 0);
    rig.change("front", "abort").await.expect(200);
    assert_eq!(rig.act("variant; add n").await, "1,4");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_go_on_beside_a_candidate_that_never_ends() {
    let rig = Rig::pair("deploy.shadow_runs_max = 1").await;
    rig.deploy("front", "?shadow=100", variant("call=spin")).await.expect(201);
    let began = now();
    for _ in 0..50 {
        assert_eq!(rig.look("variant").await, "1");
    }
    let took = began.elapsed();
    assert!(took.as_secs() < 10, "a shadow run may take 20 s, and 50 live calls took {took:?}");
    let shadow = rig.service("front").await["candidate"]["shadow"].clone();
    assert_eq!((&shadow["dropped"], &shadow["compared"]), (&json!(49), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_calls_is_run_in_shadow() {
    let rig = Rig::pair(ROOM).await;
    rig.deploy("front", "?shadow=25", marked(&says("1"), "same")).await.expect(201);
    for _ in 0..200 {
        rig.look("say x").await;
    }
    let shadow = rig.service("front").await["candidate"]["shadow"].clone();
    assert_eq!(shadow["share"], 0.25);
    let runs = shadow["compared"].as_u64().unwrap() + shadow["dropped"].as_u64().unwrap();
    // Which calls is drawn anew each time: 50 are due, and six deviations are one in a billion.
    assert!((13..=87).contains(&runs), "{shadow:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_gets_its_share_once_its_shadow_runs_were_equal() {
    let rig = Rig::pair("deploy.shadow_runs_max = 8\ndeploy.shadow_calls_min = 10").await;
    rig.deploy("front", "?shadow=100&weight=100&replace=true", says("2")).await.expect(201);
    let front = rig.service("front").await;
    assert_eq!((&front["candidate"]["phase"], &front["candidate"]["share"]), (&json!("shadow"), &json!(0.0)));
    until("its share", async || {
        assert!(["1", "2"].contains(&&*look(&rig.public, "say 1").await));
        rig.service("front").await["candidate"]["phase"] == "canary"
    })
    .await;
    assert_eq!(rig.look("variant").await, "2");
    let lines = rig.history().await;
    let line = lines.last().unwrap();
    assert_eq!(
        (&line["what"], &line["who"], &line["to"]),
        (&json!("step"), &json!("host"), &json!(digest(&says("2"))))
    );
    assert!(line["figures"]["equal"].as_u64() >= Some(10), "{line:#}");
    let front = rig.service("front").await;
    assert_eq!((front["candidate"].get("shadow"), &front["candidate"]["share"]), (None, &json!(1.0)));

    // One that was different once stays where it is, and so does one that has nowhere to go.
    rig.deploy("front", "?shadow=100&weight=100&replace=true", says("3")).await.expect(201);
    rig.look("variant").await;
    for _ in 0..20 {
        rig.look("say 1").await;
    }
    rig.report("front", 21).await;
    rig.deploy("back", "?shadow=100", says("2")).await.expect(201);
    for _ in 0..20 {
        rig.look("back.read{say x}").await;
    }
    rig.report("back", 20).await;
    // Longer than the host looks away.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    for service in ["front", "back"] {
        assert_eq!(rig.service(service).await["candidate"]["phase"], "shadow");
    }
    // The operator may promote it all the same.
    rig.change("front", "promote").await.expect(200);
    assert_eq!(rig.look("variant").await, "3");
}
