//! The data that a call leaves, by how it ends.

use super::Pair;

/// A call to `front`, what came of it, and what then stands under `key` (where it wrote `new` over `old`).
async fn check(script: &str, answer: &str, kept: &str) {
    let pair = Pair::with(|front, _| front.deadline_ms = 200);
    pair.front("set key old").await;
    assert_eq!(pair.front(&format!("set key new; {script}")).await, answer, "{script}");
    assert_eq!(pair.get("front", "key").await, kept, "{script}");
}

#[tokio::test]
async fn a_call_keeps_what_it_wrote_when_it_ends_well_or_with_an_error_that_commits() {
    check("say well", "well", "new").await;
    check("decline no money", "declined: no money", "new").await;
}

#[tokio::test]
async fn nothing_remains_of_a_call_that_ends_in_any_other_way() {
    check("refuse no", "refused: no", "old").await;
    check("panic why", "front failed", "old").await;
    check("spin", "the deadline of the call to front passed", "old").await;
    check("sleep 10000", "the deadline of the call to front passed", "old").await;
    check("big 2000000", "front went over answer_bytes_max", "old").await;
}

#[tokio::test]
async fn a_call_sees_its_own_writes_and_later_calls_see_them_too() {
    let pair = Pair::new();
    assert_eq!(pair.front("add n; add n; get n; keys n").await, "1,2,2,1");
    assert_eq!(pair.front("get n; delete n; get n").await, "2,none");
    assert_eq!(pair.get("front", "n").await, "none");
}

#[tokio::test]
async fn a_function_that_only_reads_cannot_write() {
    let pair = Pair::new();
    for function in ["front.look", "front.read", "back.read"] {
        assert_eq!(pair.call(function, "get n").await, "none");
        let service = function.split_once('.').unwrap().0;
        assert_eq!(pair.call(function, "add n").await, format!("{service} failed"), "{function}");
    }
    assert_eq!((pair.get("front", "n").await, pair.get("back", "n").await), ("none".into(), "none".into()));
}

#[tokio::test]
async fn a_read_only_call_cannot_make_another_service_write() {
    let pair = Pair::new();
    assert_eq!(pair.call("front.look", "back.read{get n}").await, "none");
    assert_eq!(pair.call("front.look", "back.write{add n}").await, "front failed");
    assert_eq!(pair.call("front.look", "back.read{add n}").await, "unavailable: back failed");
    assert_eq!(pair.get("back", "n").await, "none");
}

#[tokio::test]
async fn a_read_only_call_below_a_writing_call_cannot_make_another_service_write() {
    let pair = Pair::new();
    let answer = pair.front("add n; back.read{front.write{add n}}").await;
    assert_eq!(answer, "1,unavailable: back failed");
    assert_eq!(pair.get("front", "n").await, "1");
}

#[tokio::test]
async fn a_commit_that_exceeds_the_store_quota_is_refused_whole() {
    let pair = Pair::with(|front, _| front.store_bytes_max = 100);
    assert_eq!(
        pair.front(&format!("set a 1; set key {}", "x".repeat(100))).await,
        "front is not available: its store is full"
    );
    assert_eq!(pair.front("set key small").await, "");
    assert_eq!((pair.get("front", "a").await, pair.get("front", "key").await), ("none".into(), "small".into()));
}
