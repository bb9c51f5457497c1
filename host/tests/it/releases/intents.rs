//! Calls that were begun and have not ended: which releases they go on with, and what the operator does with them.

use serde_json::{Value, json};
use switchyard::limits::RELEASES_KEPT_MAX;

use super::components::{dummy, marked, says, variant};
use super::{Rig, Setup, until};
use crate::calls::spawn;

/// Wrote in `back` before it fails, which it does while `stop` is set; says which releases it ended on.
const STOPPED: &str = "back.write{add m}; if stop yes{panic stopped}; add n; variant; back.read{variant}";

/// Calls that fail are made again soon, and their clients do not wait for long.
const SOON: &str = "limits.deadline_ms = 500\nretries.intent_retry_ms_min = 10\nretries.intent_retry_ms_max = 20";

/// Calls that fail are made again once, and then when the operator says.
const LATER: &str =
    "limits.deadline_ms = 500\nretries.intent_retry_ms_min = 600_000\nretries.intent_retry_ms_max = 600_000";

/// The contract of a service that calls nobody, and that nobody calls.
const ALONE: &str =
    "package test:alone@1.0.0; interface alone { set: func(to: u32); } world alone-service { export alone; }";

/// Has such a service beside the others.
fn alone(setup: Setup) -> Setup {
    setup.contract("alone", ALONE);
    setup.service("alone", "test:alone/alone-service@1.0.0", &dummy(ALONE, "alone-service"))
}

impl Rig {
    /// Makes the request with the key `k`, and says what comes of it.
    async fn ask_once(&self, script: &str) -> String {
        super::act(&self.public.with_header("idempotency-key", "k"), script).await
    }

    /// Has [`STOPPED`] begin, and gives the id of its intent.
    async fn begin_stopped(&self) -> String {
        self.write("front", "set stop yes").await;
        assert!(self.ask_once(STOPPED).await.starts_with("504 "));
        self.intents().await[0]["id"].as_str().unwrap().to_owned()
    }

    async fn intents(&self) -> Vec<Value> {
        self.operator.get("/intents").await.expect(200)["items"].as_array().unwrap().clone()
    }

    /// What the operator is told of the only intent when that has failed `attempts` times.
    async fn failed(&self, attempts: u64) -> Value {
        let mut seen = Value::Null;
        until("a failure", async || {
            seen = self.intents().await[0].clone();
            seen["attempts"].as_u64() >= Some(attempts) && seen["running"] == false
        })
        .await;
        seen
    }

    async fn all_have_ended(&self) {
        until("the end of what was begun", async || self.intents().await.is_empty()).await;
    }
}

/// The last of more releases than are kept.
const MANY: usize = RELEASES_KEPT_MAX + 4;

/// What becomes of the releases between the beginning and the end of a call that began on `2` and `1`.
#[derive(Debug, Clone, Copy)]
enum Change {
    Deploy,
    DeployOfBack,
    /// More deploys than releases are kept.
    ManyDeploys,
    Rollback,
    Migration,
}

impl Change {
    async fn make(self, rig: &Rig) {
        match self {
            Self::Deploy => rig.deploy("front", "", says("3")).await.expect(201),
            Self::DeployOfBack => rig.deploy("back", "", says("3")).await.expect(201),
            Self::ManyDeploys => {
                for release in 3..MANY {
                    rig.deploy("front", "", says(&release.to_string())).await.expect(201);
                }
                rig.deploy("front", "", says(&MANY.to_string())).await.expect(201)
            }
            Self::Rollback => rig.change("front", "rollback").await.expect(200),
            Self::Migration => {
                let migrates = variant("call=say 3|version=1|pause=5000|migrate=set form 1");
                rig.deploy("front", "", migrates).await.expect(201)
            }
        };
    }
}

/// A call goes on with the releases `expected` of `front` and `back`, after a failure as after a restart.
async fn goes_on(keys: &str, change: Change, expected: &str) {
    for restarts in [false, true] {
        let mut rig = Rig::pair(&format!("{SOON}\n{keys}")).await;
        rig.deploy("front", "", says("2")).await.expect(201);
        rig.begin_stopped().await;
        change.make(&rig).await;
        if restarts {
            rig = rig.restart().await;
        }
        rig.write("front", "set stop no").await;
        rig.all_have_ended().await;
        let said = rig.ask_once(STOPPED).await;
        assert_eq!(said, format!("1,,1,{expected}"), "{change:?}, {keys}, restarts: {restarts}");
        assert_eq!(rig.look("get n; back.read{get m}").await, "1,1", "{change:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_with_the_releases_that_it_began_with_after_a_deploy() {
    goes_on("", Change::Deploy, "2,1").await;
    goes_on("", Change::DeployOfBack, "2,1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_with_the_live_releases_where_the_manifest_says_so() {
    goes_on("retries.intents_keep_releases = false", Change::Deploy, "3,1").await;
    goes_on("retries.intents_keep_releases = false", Change::DeployOfBack, "2,3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_with_the_live_release_where_its_own_is_not_kept() {
    goes_on("", Change::ManyDeploys, &format!("{MANY},1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_with_its_own_release_after_a_rollback_which_keeps_it() {
    goes_on("", Change::Rollback, "2,1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_on_with_the_live_release_where_its_own_cannot_read_the_data() {
    goes_on("", Change::Migration, "3,1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_what_has_not_ended_and_has_it_made_again() {
    let rig = Rig::pair(LATER).await;
    assert_eq!(rig.intents().await, Vec::<Value>::new());
    let id = rig.begin_stopped().await;
    let intent = rig.failed(1).await;
    assert_eq!((&intent["service"], &intent["function"]), (&json!("front"), &json!("act")));
    assert_eq!((&intent["lastError"], &intent["onLive"]), (&json!("front failed"), &json!(false)));
    assert!(intent["dueInMs"].as_u64() > Some(500_000) && intent["ageMs"].as_u64() < Some(60_000), "{intent:#}");
    let begun = switchyard::clock::parse_rfc_3339(intent["begunAt"].as_str().unwrap());
    assert!(begun.is_some_and(|begun| begun <= switchyard::clock::unix_micros()), "{intent:#}");
    let retry = format!("/intents/{id}/retry");
    rig.operator.post(&retry, "").await.expect(200);
    rig.failed(2).await;
    rig.write("front", "set stop no").await;
    rig.operator.post(&retry, "").await.expect(200);
    rig.all_have_ended().await;
    assert_eq!(rig.operator.post(&retry, "").await.status, 404);
    assert_eq!(rig.operator.post("/intents/0/retry", "").await.status, 404);
    assert_eq!(rig.ask_once(STOPPED).await, "1,,1,1,1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_not_made_again_and_the_history_says_why() {
    let rig = Rig::pair(LATER).await;
    let id = rig.begin_stopped().await;
    rig.failed(1).await;
    let give_up = format!("/intents/{id}/give-up");
    assert_eq!(rig.operator.post(&give_up, "").await.status, 400);
    let token = json!({"name": "eye", "role": "viewer"});
    let token = rig.operator.post_json("/tokens", &token).await.expect(201)["token"].clone();
    let viewer = rig.operator.with_token(token.as_str().unwrap());
    assert_eq!(viewer.get("/intents").await.expect(200)["items"][0]["id"], id.as_str());
    for what in ["give-up?reason=x", "retry"] {
        assert_eq!(viewer.post(&format!("/intents/{id}/{what}"), "").await.status, 403, "{what}");
    }
    rig.operator.post(&format!("{give_up}?reason=by%20hand"), "").await.expect(200);
    assert_eq!(rig.intents().await, Vec::<Value>::new());
    assert_eq!(rig.operator.post(&format!("{give_up}?reason=again"), "").await.status, 404);
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["service"], &line["who"]), (&json!("giveUp"), &json!("front"), &json!("admin")));
    assert_eq!((&line["reason"], &line["figures"]["intent"]), (&json!("by hand"), &json!(id)));
    let text = line["figures"]["text"].as_str().unwrap();
    assert!(text.starts_with("act, begun ") && text.ends_with("front failed"), "{text}");
    let rig = rig.restart().await;
    assert_eq!(rig.intents().await, Vec::<Value>::new());
    // What it did elsewhere stays, and the key is free.
    rig.write("front", "set stop no").await;
    assert_eq!(rig.ask_once(STOPPED).await, "2,,1,1,1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_right_now_is_not_given_up() {
    let rig = Rig::pair("retries.intent_retry_ms_min = 600_000\nretries.intent_retry_ms_max = 600_000").await;
    rig.write("front", "set stop yes").await;
    let public = rig.public.clone();
    let client = spawn(async move { super::act(&public, "back.write{add m}; if stop yes{sleep 1000; panic}").await });
    until("the second run", async || rig.intents().await.iter().any(|intent| intent["running"] == true)).await;
    let id = rig.intents().await[0]["id"].as_str().unwrap().to_owned();
    for what in ["give-up?reason=x", "retry"] {
        assert_eq!(rig.operator.post(&format!("/intents/{id}/{what}"), "").await.status, 409, "{what}");
    }
    rig.failed(1).await;
    rig.operator.post(&format!("/intents/{id}/give-up?reason=x"), "").await.expect(200);
    assert_eq!(rig.told("front").await, ["giveUp"], "a refusal leaves no line");
    client.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_on_a_broken_release_goes_on_with_the_one_that_repairs_it() {
    let broken = |mark: &str| variant(&format!("call=panic {mark}"));
    let rig = Rig::pair(LATER).await;
    rig.deploy("front", "", broken("a")).await.expect(201);
    assert!(rig.ask_once("back.write{add m}; variant").await.starts_with("504 "));
    let id = rig.failed(1).await["id"].as_str().unwrap().to_owned();
    rig.deploy("front", "", says("3")).await.expect(201);
    let retry = format!("/intents/{id}/retry");
    rig.operator.post(&retry, "").await.expect(200);
    assert_eq!(rig.failed(2).await["onLive"], false, "it keeps to the broken release");
    rig.deploy("front", "", broken("b")).await.expect(201);
    assert_eq!(rig.operator.post(&format!("{retry}?live=true"), "").await.expect(200)["onLive"], true);
    rig.failed(3).await;
    let rig = rig.restart().await;
    assert_eq!(rig.failed(1).await["onLive"], true, "it goes on so after a restart");
    rig.deploy("front", "", says("4")).await.expect(201);
    rig.operator.post(&retry, "").await.expect(200);
    rig.all_have_ended().await;
    assert_eq!(rig.ask_once("back.write{add m}; variant").await, "1,4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_waits_for_the_calls_that_may_come_to_its_service() {
    let rig = alone(Setup::pair(LATER)).start().await;
    let id = rig.begin_stopped().await;
    rig.failed(1).await;
    rig.deploy("back", "", says("2")).await.expect(201);
    rig.deploy("alone", "?afterIntents=0", marked(&dummy(ALONE, "alone-service"), "2")).await.expect(201);
    for service in ["front", "back"] {
        let refused = rig.change(service, "rollback?afterIntents=0").await;
        assert_eq!((refused.status, refused.detail().contains(&id)), (409, true), "{service}: {:#}", refused.body);
        assert_eq!(rig.deploy(service, "?afterIntents=0", says("9")).await.status, 409);
        assert_eq!(rig.change(service, "promote?afterIntents=0").await.status, 409);
    }
    assert_eq!(rig.change("back", "rollback?afterIntents=x").await.status, 400);
    assert_eq!(rig.look("back.read{variant}").await, "2");
    let (operator, retry) = (rig.operator.clone(), format!("/intents/{id}/retry"));
    let rollback = spawn(async move { operator.post("/services/back/rollback?afterIntents=60", "").await });
    rig.write("front", "set stop no").await;
    rig.operator.post(&retry, "").await.expect(200);
    rollback.await.unwrap().expect(200);
    assert_eq!((rig.intents().await.len(), rig.look("back.read{variant}").await), (0, "1".into()));
    // It ended on what it began with: the change came after it.
    assert_eq!(rig.ask_once(STOPPED).await, "1,,1,1,1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_does_not_hold_up_the_end_of_the_host() {
    let rig = Rig::pair(LATER).await;
    rig.begin_stopped().await;
    rig.failed(1).await;
    rig.deploy("back", "", says("2")).await.expect(201);
    let operator = rig.operator.clone();
    let wait = "/services/back/rollback?afterIntents=3600";
    let rollback = spawn(async move { operator.try_send("POST", wait, "").await.map_err(|error| error.to_string()) });
    // When these are answered it has most likely begun to wait.
    for _ in 0..20 {
        rig.intents().await;
    }
    rig.stop().await;
    // Where the host was faster all the same, there is no answer.
    if let Ok(answer) = rollback.await.unwrap() {
        assert_eq!(answer.status, 503, "{:#}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_calls_and_what_has_not_ended_is_measured() {
    let rig = Rig::pair(LATER).await;
    rig.begin_stopped().await;
    rig.failed(1).await;
    let stores = rig.operator.get("/stores").await.expect(200);
    let kept: Vec<_> = stores["items"].as_array().unwrap().iter().map(|store| &store["platformBytes"]).collect();
    assert!(kept.len() == 2 && kept.iter().all(|bytes| bytes.as_u64() > Some(0)), "{stores:#}");
    assert_eq!(rig.service("back").await["platformBytes"], *kept[0]);
    let metric = async |name: &str| -> f64 {
        let metrics = rig.operator.get("/metrics").await.expect(200);
        let lines = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        lines.unwrap().parse().unwrap()
    };
    // Another host of this process may be asked for its metrics at the same time.
    until("the gauges", async || {
        metric("switchyard_intents_open").await == 1.0 && metric("switchyard_intents_oldest_seconds").await > 0.0
    })
    .await;
    assert!(metric("switchyard_intent_attempts_total{result=\"failed\"}").await >= 1.0);
}
