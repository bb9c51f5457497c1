//! Attempts at the swap of a handover that calls prevent: what the operator reads, and that calls go on.

use std::time::Duration;

use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::handovers::{CONTRACT, call, host, notes};
use super::http::Client;
use super::{Rig, Setup, until};
use crate::calls::spawn;

/// A handover makes ten attempts, with longer pauses each time: about 50 s.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(240);

/// What an attempt says that a call prevents.
const NOT_QUIET: &str = "calls of shelf did not end within 250 ms";

/// Begins a call that takes `millis`, and waits until it runs.
async fn begin_call(rig: &Rig, millis: u32) -> tokio::task::JoinHandle<Option<u16>> {
    let operator: Client = rig.operator.clone();
    let running = spawn(async move {
        let arguments = json!({ "key": format!("sleep-{millis}"), "text": "slept" });
        let answer = operator.try_post_json("/services/shelf/call/put", &arguments).await;
        answer.ok().map(|answer| answer.status)
    });
    until("a call under way", async || rig.service("shelf").await["figures"]["inFlight"] == 1).await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_is_given_up_after_its_attempts_while_calls_are_served() {
    let setup = Setup::new("limits.store_bytes_max = 4_000_000\nlimits.deadline_ms = 600_000");
    let rig = setup.service("shelf", CONTRACT, &shelf("layout=a")).start().await;
    rig.fill("note", 200).await;
    let own = rig.live().await;
    let long = begin_call(&rig, 600_000).await;
    rig.deploy("shelf", "?handover=true", shelf("layout=b")).await.expect(201);
    let (mut puts, mut error) = (0_u32, Value::Null);
    let attempts = async {
        loop {
            let now = rig.service("shelf").await;
            let Some(mirror) = now.get("mirror") else { return };
            if let Some(seen) = mirror["status"].get("error") {
                error = seen.clone();
            }
            puts += 1;
            rig.put("note000001", &puts.to_string()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(GIVEN_UP_WITHIN, attempts).await.unwrap();
    assert!(error.as_str().unwrap().contains(NOT_QUIET), "{error}");
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["who"]), (&json!("mirrorEnded"), &json!("host")), "{line:#}");
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.starts_with("10 attempts failed; the last one: ") && reason.contains(NOT_QUIET), "{reason}");
    assert_eq!(line["figures"]["attempts"], 10, "{line:#}");
    assert_eq!(rig.told("shelf").await, ["mirror", "mirrorEnded"]);
    // Nothing is changed, and what was written meanwhile is there.
    let notes = notes(&rig.operator).await;
    assert_eq!((rig.live().await, notes.len(), &notes["note000001"]), (own, 200, &puts.to_string()));
    assert!(puts > 20, "{puts} calls were served in all attempts");
    long.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_a_long_call_prevents_says_so_and_a_later_one_succeeds() {
    let rig = host("layout=a").await;
    rig.fill("note", 100).await;
    rig.deploy("shelf", "?handover=true&header=x-try=new", shelf("layout=b")).await.expect(201);
    until("the copy", async || rig.service("shelf").await["mirror"]["isReadable"] == true).await;
    let (own, long) = (rig.live().await, begin_call(&rig, 8_000).await);
    let refused = rig.change("shelf", "promote").await;
    assert!(refused.detail().to_lowercase().contains(NOT_QUIET), "{refused:?}");
    refused.expect(409);
    // The call still runs, and others are served beside it.
    rig.put("note000001", "meanwhile").await;
    assert!(!long.is_finished());
    assert_eq!((rig.live().await, long.await.unwrap()), (own, Some(204)));
    until("the swap", async || rig.change("shelf", "promote").await.status == 200).await;
    assert_eq!(rig.live().await, digest(&shelf("layout=b")));
    let notes = notes(&rig.operator).await;
    assert_eq!((notes.len(), &*notes["note000001"], &*notes["sleep-8000"]), (101, "meanwhile", "slept"));
    call(&rig.operator, "remove", json!({ "key": "sleep-8000" })).await.expect(204);
}
