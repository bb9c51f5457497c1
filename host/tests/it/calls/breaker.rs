//! The circuit of a release: what opens it, what closes it, and who is not to blame.

use std::sync::Arc;
use std::time::Duration;

use super::{Pair, until};

const OPEN: &str = "front is not available: its circuit is open after too many failures";

/// How long a circuit stays open, where a test waits for its end.
const PAUSE_MS: u64 = 1_500;

async fn pause() {
    tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
}

/// Circuits that open after three failures and stay open for some time.
fn pair(open_ms: u64) -> Arc<Pair> {
    Pair::with(|front, back| {
        for limits in [front, back] {
            (limits.circuit_failures, limits.circuit_open_ms, limits.deadline_ms) = (3, open_ms, 2_000);
        }
    })
}

async fn fail(pair: &Pair) {
    for _ in 0..3 {
        assert_eq!(pair.front("panic why").await, "front failed");
    }
}

#[tokio::test]
async fn a_majority_of_failures_opens_the_circuit_and_nothing_else_does() {
    let pair = pair(60_000);
    for script in ["panic why", "say well", "refuse no", "spin", "refuse no", "say well", "say well", "panic why"] {
        assert_ne!(pair.front(script).await, OPEN, "{script}");
    }
    for _ in 0..3 {
        pair.front("panic why").await;
    }
    for function in ["front.write", "front.read"] {
        assert_eq!(pair.call(function, "say well").await, OPEN);
    }
    assert_eq!(pair.back("front.read{say well}").await, format!("unavailable: {OPEN}"));
}

#[tokio::test]
async fn after_a_pause_one_good_try_closes_the_circuit_and_a_bad_one_does_not() {
    let pair = pair(PAUSE_MS);
    fail(&pair).await;
    assert_eq!(pair.front("say well").await, OPEN);
    pause().await;
    assert_eq!(pair.front("panic why").await, "front failed", "the try");
    assert_eq!(pair.front("say well").await, OPEN);
    pause().await;
    for _ in 0..3 {
        assert_eq!(pair.front("say well").await, "well");
    }
}

/// A try whose client is gone, and one that finds no slot, tell nothing of the release.
#[tokio::test]
async fn a_try_without_a_result_is_followed_by_another() {
    let pair = Pair::with(|front, _| {
        (front.circuit_failures, front.circuit_open_ms) = (3, PAUSE_MS);
        (front.calls_in_flight_max, front.calls_waiting_max) = (1, 0);
    });
    fail(&pair).await;
    pause().await;
    let mut gone = Box::pin(pair.call("front.read", "sleep 15000"));
    tokio::select! {
        _ = &mut gone => panic!("it sleeps"),
        () = until("the try", || pair.front.service.figures().in_flight == 1) => {}
    }
    pause().await;
    let full = "front is not available: its queue is full";
    assert_eq!(pair.front("say well").await, full, "the try of the next pause finds no slot");
    drop(gone);
    assert_eq!(pair.front("say well").await, OPEN);
    pause().await;
    assert_eq!(pair.front("say well").await, "well");
}

#[tokio::test]
async fn the_next_release_begins_with_a_closed_circuit() {
    let pair = pair(60_000);
    fail(&pair).await;
    let before = pair.calls.routing();
    assert!(before.live().backend(pair.front.service.name()).unwrap().release.circuit_is_open());
    let members = [pair.front.release(&pair.runtime, "2"), pair.back.release(&pair.runtime, "1")];
    pair.begin_on(members);
    assert_eq!(pair.front("say well").await, "well");
}

#[tokio::test]
async fn a_caller_is_not_to_blame_for_the_service_that_it_calls() {
    let pair = pair(60_000);
    for _ in 0..3 {
        assert_eq!(pair.front("back.bare{panic why}").await, "back failed");
    }
    assert_eq!(pair.front("say well").await, "well");
    assert_eq!(pair.back("say well").await, OPEN.replace("front", "back"));
}

/// Otherwise any service could shut out another one for all by calling it too late.
#[tokio::test]
async fn a_service_is_not_to_blame_for_a_caller_that_leaves_it_no_time() {
    let pair = Pair::with(|front, back| {
        (front.deadline_ms, back.deadline_ms) = (300, 20_000);
        back.circuit_failures = 3;
    });
    for _ in 0..4 {
        let answer = pair.front("back.write{sleep 15000}").await;
        assert_eq!(answer, "unavailable: the deadline of the call to back passed");
    }
    assert_eq!(pair.back("say well").await, "well");
}
