//! Nested calls: their identity, their limits, and the errors that their callers get.

use std::time::Duration;

use super::{Pair, until};
use crate::guest::now;

#[tokio::test]
async fn the_identity_and_the_calling_service_are_passed_down() {
    let pair = Pair::new();
    let answer = pair.front("who; back.write{who; front.read{who}}").await;
    assert_eq!(answer, "anna/customer by a client,anna/customer by front,anna/customer by back");
}

#[tokio::test]
async fn the_commit_of_a_nested_call_is_visible_to_the_next_and_stays_when_the_caller_fails() {
    let pair = Pair::new();
    assert_eq!(pair.front("back.write{add m}; back.read{get m}; back.write{add m}").await, "1,1,2");
    pair.front("add n; back.write{add m}; refuse no").await;
    assert_eq!((pair.get("back", "m").await, pair.get("front", "n").await), ("3".into(), "none".into()));
}

#[tokio::test]
async fn an_error_of_the_contract_reaches_the_caller_as_it_is() {
    let pair = Pair::new();
    let answer = pair.front("back.write{add m; refuse no}; back.write{add m; decline broke}; back.read{get m}").await;
    assert_eq!(answer, "refused: no,declined: broke,1");
}

#[tokio::test]
async fn a_callee_that_fails_is_unavailable_to_a_caller_whose_contract_has_that_case() {
    let pair = Pair::with(|_, back| {
        back.deadline_ms = 100;
        back.circuit_failures = 4;
        (back.answer_bytes_max, back.memory_bytes_max) = (1_000, 4 << 20);
    });
    let check = async |part: &str, answer: &str| {
        assert_eq!(pair.front(&format!("back.write{{{part}}}; say on")).await, format!("unavailable: {answer},on"));
    };
    check("panic why", "back failed").await;
    check("spin", "the deadline of the call to back passed").await;
    check("sleep 1000", "the deadline of the call to back passed").await;
    check("big 2000", "back went over answer_bytes_max").await;
    check("say well", "back is not available: its circuit is open after too many failures").await;
}

#[tokio::test]
async fn a_callee_that_is_full_is_unavailable() {
    let pair = Pair::with(|_, back| (back.calls_in_flight_max, back.calls_waiting_max) = (1, 0));
    let full = async {
        until("the call that takes the only slot", || pair.back.service.figures().in_flight == 1).await;
        pair.front("back.read{get n}").await
    };
    let (_slow, answer) = tokio::join!(pair.back("sleep 200"), full);
    assert_eq!(answer, "unavailable: back is not available: its queue is full");
    assert_eq!(pair.front("back.read{get n}").await, "none");
}

/// `bare` has no error to answer with.
#[tokio::test]
async fn without_a_case_for_it_the_failure_of_a_callee_fails_its_caller() {
    let pair = Pair::with(|_, back| {
        (back.deadline_ms, back.circuit_failures) = (1_000, 2);
    });
    assert_eq!(pair.front("add n; back.bare{panic why}").await, "back failed");
    assert_eq!(pair.front("add n; back.bare{spin}").await, "the deadline of the call to back passed");
    let open = "back is not available: its circuit is open after too many failures";
    assert_eq!(pair.front("add n; back.bare{say well}").await, open);
    assert_eq!(pair.get("front", "n").await, "none");
}

#[tokio::test]
async fn the_deadline_is_passed_down_less_what_the_caller_needs_to_go_on() {
    let pair = Pair::with(|front, _| front.deadline_ms = 2_000);
    let begun = now();
    let answer = pair.front("back.write{add m; sleep 15000}; add undone").await;
    assert_eq!(answer, "unavailable: the deadline of the call to back passed,1");
    let deeper = pair.front("back.write{add m; front.write{sleep 15000}; refuse late}; say on").await;
    assert_eq!(deeper, "refused: late,on");
    assert!(begun.elapsed() < Duration::from_secs(15), "a callee has slept for longer than its caller has");
    assert_eq!((pair.get("front", "undone").await, pair.get("back", "m").await), ("1".into(), "none".into()));
}

#[tokio::test]
async fn calls_nest_so_deep_and_no_deeper() {
    let pair = Pair::with(|front, back| (front.call_depth_max, back.call_depth_max) = (3, 3));
    assert_eq!(pair.front("back.bare{front.bare{say third}}").await, "third");
    assert_eq!(pair.front("back.bare{front.bare{back.bare{say fourth}}}").await, "front went over call_depth_max");
    let deeper = pair.front("back.write{front.write{back.write{say fourth}}}").await;
    assert_eq!(deeper, "unavailable: front went over call_depth_max");
}

/// The answers that a call gets are kept for its next run, so they have a limit.
#[tokio::test]
async fn a_call_makes_no_more_calls_than_the_host_remembers() {
    let pair = Pair::new();
    assert_eq!(pair.front("repeat 1000{back.read{say x}}").await, "x");
    assert_eq!(pair.front("repeat 1001{back.read{say x}}").await, "front went over nested_calls");
    assert_eq!(pair.front("repeat 100{back.read{big 1000000}}; say on").await, "front went over nested_bytes");
    assert_eq!(pair.call("front.read", "repeat 1001{back.read{say x}}").await, "x", "a reading call has no next run");
}

/// Arguments are in an intent, and an answer is in the commit of its call, beside 5 MB that the call writes.
#[tokio::test]
async fn arguments_and_answers_of_any_size_that_is_allowed_fit_in_a_commit() {
    let pair = Pair::with(|front, back| {
        for limits in [front, back] {
            (limits.answer_bytes_max, limits.kept_bytes_max) = (16 << 20, 1 << 30);
        }
    });
    let check = async |script: &str, m: &str, said: &str| {
        let answer = pair.front(script).await;
        let end = answer.len().saturating_sub(said.len());
        assert_eq!(answer.get(end..), Some(said), "{script}: {} bytes", answer.len());
        assert_eq!(pair.get("back", "m").await, m, "{script}");
    };
    check("big 1000000; back.write{add m; say %%}; add n", "1", ",1").await;
    check("big 1100000; back.write{add m; say %%}; add n", "1", "front went over arguments_bytes").await;
    let writes = "big 1000000; set a %; set b %; set c %; set d %; set e %";
    check(&format!("back.write{{add m; {writes}; big 1000000}}; add n"), "2", ",2").await;
    let refused = "unavailable: back went over answer_bytes,3";
    check(&format!("back.write{{add m; {writes}; big 1100000}}; add n"), "2", refused).await;
}
