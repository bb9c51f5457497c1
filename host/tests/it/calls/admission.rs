//! Slots: how many calls run, how many wait and for how long, and that each slot comes back.

use std::time::Duration;

use futures::FutureExt as _;

use super::{Pair, until};
use crate::guest::now;

#[tokio::test]
async fn calls_beyond_the_slots_wait_and_calls_beyond_the_queue_are_refused_at_once() {
    let pair = Pair::with(|front, _| {
        (front.calls_in_flight_max, front.calls_waiting_max, front.wait_ms_max) = (2, 1, 1_500);
    });
    let figures = || pair.front.service.figures();
    let others = async {
        until("the slots are taken", || figures().in_flight == 2).await;
        let begun = now();
        let waits = pair.front("say third");
        let refused = async {
            until("the third waits", || figures().waiting == 1).await;
            assert_eq!(pair.front("say").await, "front is not available: its queue is full");
            assert!(begun.elapsed() < Duration::from_millis(1_500), "the fourth has waited");
        };
        let (third, ()) = tokio::join!(waits, refused);
        assert_eq!(third, "front is not available: all of its call slots are in use");
        assert!(begun.elapsed() >= Duration::from_millis(1_500));
    };
    tokio::join!(pair.front("sleep 6000"), pair.front("sleep 6000"), others);
    assert_eq!(pair.front("say well").await, "well");
}

#[tokio::test]
async fn a_call_that_waits_runs_when_a_slot_comes_back() {
    let pair = Pair::with(|front, _| (front.calls_in_flight_max, front.calls_waiting_max) = (1, 10));
    let calls = (0..10).map(|_| pair.front("sleep 5; say well"));
    assert_eq!(futures::future::join_all(calls).await, ["well"; 10]);
}

#[tokio::test]
async fn a_slot_comes_back_however_the_call_ends() {
    let pair = Pair::with(|front, _| {
        (front.calls_in_flight_max, front.calls_waiting_max, front.deadline_ms) = (1, 0, 400);
    });
    for script in ["panic why", "spin", "sleep 1000", "refuse no", "back.bare{panic why}", "say well"] {
        for _ in 0..3 {
            pair.front(script).await;
            pair.call("front.read", script).await;
        }
        assert_eq!(pair.front.service.figures().in_flight, 0, "{script}");
    }
    assert_eq!(pair.front("say well").await, "well");
}

#[tokio::test]
async fn a_call_that_may_write_goes_on_when_its_client_is_gone() {
    let pair = Pair::new();
    let mut call = Box::pin(pair.front("back.write{add m}; sleep 50; add n"));
    assert!((&mut call).now_or_never().is_none());
    drop(call);
    until("its end", || pair.front.service.figures().calls == 1).await;
    assert_eq!((pair.get("front", "n").await, pair.get("back", "m").await), ("1".into(), "1".into()));
}

#[tokio::test]
async fn a_reading_call_ends_when_its_client_is_gone() {
    let pair = Pair::with(|front, _| (front.calls_in_flight_max, front.calls_waiting_max) = (1, 0));
    for _ in 0..3 {
        let mut call = Box::pin(pair.call("front.read", "back.read{sleep 15000}"));
        tokio::select! {
            _ = &mut call => panic!("it sleeps"),
            () = until("the nested call", || pair.back.service.figures().in_flight == 1) => {}
        }
        drop(call);
        let dropped = now();
        // A guest that has used up its first slice ends in another thread.
        let in_flight = || pair.front.service.figures().in_flight + pair.back.service.figures().in_flight;
        until("the end of both", || in_flight() == 0).await;
        assert!(dropped.elapsed() < Duration::from_secs(10), "it has slept to its end");
    }
    assert_eq!(pair.front("say well").await, "well");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_frees_its_place() {
    let pair = Pair::with(|front, _| (front.calls_in_flight_max, front.calls_waiting_max) = (1, 1));
    let figures = || pair.front.service.figures();
    let others = async {
        until("the slot is taken", || figures().in_flight == 1).await;
        for _ in 0..3 {
            let mut waits = Box::pin(pair.call("front.read", "say well"));
            assert!((&mut waits).now_or_never().is_none());
            assert_eq!(figures().waiting, 1);
        }
        assert_eq!(figures().waiting, 0);
        pair.call("front.read", "say well").await
    };
    let (_slow, answer) = tokio::join!(pair.front("sleep 300"), others);
    assert_eq!(answer, "well");
}
