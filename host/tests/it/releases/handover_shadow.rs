//! Handovers whose new implementation first repeats live calls on the copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::handovers::{CONTRACT, call, notes};
use super::{Rig, Setup, until};

const SHADOW: &str = "?handover=true&shadow=100";

/// A host whose service `shelf` has 200 notes, and whose shadows need `calls` equal calls.
async fn host(calls: u32) -> Rig {
    let keys = format!("deploy.shadow_calls_min = {calls}\ndeploy.shadow_runs_max = 8");
    let rig = Setup::new(&keys).service("shelf", CONTRACT, &shelf("layout=a")).start().await;
    rig.fill("note", 200).await;
    rig
}

impl Rig {
    /// The note `key`, which the live release has.
    async fn note(&self, key: &str) -> String {
        call(&self.operator, "get", json!({ "key": key })).await.expect(200).as_str().unwrap().into()
    }

    /// The report of the shadow on the copy; null while there is none.
    async fn on_copy(&self) -> Value {
        self.service("shelf").await["mirror"]["shadow"].clone()
    }

    /// Writes and reads until `ends`, with several clients at once. Whatever is live, each reads what it has written.
    async fn use_until(&self, what: &str, ends: impl AsyncFnMut() -> bool) {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..4).map(async |client| {
            for turn in 0_u32.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (key, text) = (format!("note00000{client}"), format!("turn {turn}"));
                self.put(&key, &text).await;
                // Between two writes the copy gets time to follow.
                for _ in 0..20 {
                    assert_eq!(self.note(&key).await, text);
                    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                }
            }
        });
        let ended = async {
            until(what, ends).await;
            stop.store(true, Ordering::Relaxed);
        };
        futures::join!(join_all(clients), ended);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_implementation_that_answers_the_same_is_handed_over_after_its_shadow_while_others_write() {
    let rig = host(60).await;
    let other = shelf("layout=b");
    let dry = rig.deploy("shelf", &format!("{SHADOW}&dryRun=true"), other.clone()).await.expect(200);
    let text = dry["verdict"]["text"].as_str().unwrap();
    assert!(text.contains("repeats calls on the copy, and 60 answers must be equal"), "{text}");
    let (before, next) = (rig.live().await, digest(&other));
    rig.deploy("shelf", SHADOW, other).await.expect(201);
    // Without a call there is nothing to compare, and so no swap.
    until("the shadow", async || rig.on_copy().await["compared"] == 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(rig.live().await, before);
    rig.use_until("the handover", async || rig.live().await == next).await;
    assert_eq!(notes(&rig.operator).await.len(), 200);
    let lines = rig.history().await;
    let line = lines.iter().find(|line| line["what"] == "handover").unwrap();
    assert!(line["figures"]["shadow"]["compared"].as_u64() >= Some(60), "{line:#}");
    assert_eq!(line["figures"]["shadow"]["different"], 0, "{line:#}");
    let begun = lines.iter().find(|line| line["what"] == "step").unwrap();
    assert!(begun["reason"].as_str().unwrap().contains("repeats calls in shadow"), "{begun:#}");
    // The way back needs no shadow.
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    assert_eq!(rig.live().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_answer_that_no_export_shows_gives_the_handover_up_with_its_function_and_place() {
    for (function, place) in [("get", "get at the answer"), ("all", "all at /0/1")] {
        let rig = host(1_000_000).await;
        let own = rig.live().await;
        rig.deploy("shelf", SHADOW, shelf(&format!("layout=b|wrong={function}"))).await.expect(201);
        until("the shadow", async || !rig.on_copy().await.is_null()).await;
        rig.put("note000000", "by a customer").await;
        until("a difference", async || {
            rig.note("note000001").await;
            assert_eq!(notes(&rig.operator).await.len(), 200);
            rig.on_copy().await.is_null()
        })
        .await;
        let why = rig.given_up().await;
        assert!(why.contains("ended differently") && why.contains(place), "{why}");
        assert!(!why.contains("perhaps") && !why.contains("customer"), "no text of a customer: {why}");
        let line = rig.history().await.pop().unwrap();
        assert_eq!(line["figures"]["shadow"]["differences"][0]["function"], function, "{line:#}");
        assert_eq!((rig.live().await, rig.note("note000000").await), (own, "by a customer".into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_find_the_copy_behind_are_counted_and_never_differ() {
    let rig = host(1_000_000).await;
    rig.deploy("shelf", SHADOW, shelf("layout=b")).await.expect(201);
    until("the shadow", async || !rig.on_copy().await.is_null()).await;
    rig.use_until("both kinds of calls", async || {
        let shadow = rig.on_copy().await;
        assert_eq!(shadow["different"], 0, "{shadow:#}");
        shadow["behind"].as_u64() >= Some(20) && shadow["compared"].as_u64() >= Some(100)
    })
    .await;
    // A handover in shadow begins its counts again after a restart, and goes on.
    let rig = rig.restart().await;
    until("the shadow", async || rig.on_copy().await["compared"] == 0).await;
    until("a comparison", async || {
        rig.note("note000001").await;
        rig.on_copy().await["equal"].as_u64() >= Some(1)
    })
    .await;
    rig.change("shelf", "settle").await.expect(200);
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["figures"]["shadow"]["different"]), (&json!("mirrorEnded"), &json!(0)));
    assert_eq!(notes(&rig.operator).await.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_readers_and_can_be_promoted_only_after_its_shadow() {
    let rig = host(20).await;
    let next = digest(&shelf("layout=b"));
    rig.deploy("shelf", &format!("{SHADOW}&header=x-try=new"), shelf("layout=b")).await.expect(201);
    until("the shadow", async || !rig.on_copy().await.is_null()).await;
    let refused = rig.change("shelf", "promote").await;
    assert!(refused.detail().contains("must repeat 20 calls on the copy"), "{refused:?}");
    refused.expect(409);
    assert_eq!(rig.service("shelf").await["mirror"]["isReadable"], false);
    until("the readers", async || {
        rig.note("note000001").await;
        rig.service("shelf").await["mirror"]["isReadable"] == true
    })
    .await;
    assert!(rig.on_copy().await.is_null(), "the shadow has ended");
    assert_ne!(rig.live().await, next);
    until("the swap", async || rig.change("shelf", "promote").await.status == 200).await;
    assert_eq!(rig.live().await, next);
    let steps: Vec<_> = rig.history().await.into_iter().filter(|line| line["what"] == "step").collect();
    assert_eq!(steps.len(), 2, "{steps:#?}");
    assert!(steps[1]["figures"]["shadow"]["equal"].as_u64() >= Some(20), "{steps:#?}");
}
