//! An event takes effect once and in order, and no subscriber waits for another.

use std::sync::Arc;

use super::{PAIR, Rig, Setup, numbers};
use crate::calls::spawn;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_takes_effect_once_across_restarts() {
    let rig = Setup::new(&PAIR).start();
    rig.run("source", "emit a {append log 1; by from}").await;
    rig.comes("sink", "log", "1").await;
    assert_eq!(rig.look("sink", "from").await, "source");
    let rig = rig.stop().await.start();
    rig.run("source", "emit a {append log 2}").await;
    rig.comes("sink", "log", "1 2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_emits_no_events() {
    let rig = Setup::new(&PAIR).start();
    rig.run("source", "set broken 1").await;
    assert_eq!(rig.try_run("source", "emit a {append log 1}; fail-if broken").await, Err("source failed".into()));
    rig.run("source", "emit a {append log 2}").await;
    rig.comes("sink", "log", "2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_conflict_with_calls_take_effect_once_and_in_order() {
    // On a busy machine all of them may run one after another.
    for _ in 0..20 {
        if deliver_beside_calls().await > 0 {
            return;
        }
    }
    panic!("nobody got into another's way");
}

/// Returns how many runs of the subscriber lost a commit.
async fn deliver_beside_calls() -> u64 {
    let rig = Arc::new(Setup::new(&PAIR).start());
    let clients = (0..4).map(|client| {
        let rig = Arc::clone(&rig);
        spawn(async move {
            for _ in 0..25 {
                rig.run("sink", &format!("append log c{client}")).await;
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for batch in 0..10 {
        rig.run("source", &format!("emit-each {} {} a {{append log}}", batch * 10, batch * 10 + 10)).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    rig.settled("sink").await;
    let log = rig.look("sink", "log").await;
    let (of_clients, of_events): (Vec<_>, Vec<_>) = log.split(' ').partition(|word| word.starts_with('c'));
    assert_eq!((of_clients.len(), of_events.join(" ")), (100, numbers(0..100)));
    rig.service("sink").figures().conflicts
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_events_are_handled_one_after_the_other() {
    let rig = Setup::new(&PAIR).start();
    for _ in 0..5 {
        rig.run("source", "emit-each 0 400 a {set last}").await;
    }
    rig.comes("sink", "last", "399").await;
    rig.settled("sink").await;
    assert_eq!(rig.service("sink").figures().conflicts, 0);
    let taken = rig.events.subscriptions(None).unwrap();
    assert_eq!((taken.len(), taken[0].lag_events, taken[0].retrying, taken[0].dead), (1, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_of_a_handler_elsewhere_happens_once_however_often_the_handler_fails() {
    let rig = Setup::new(&PAIR).start();
    rig.run("sink", "set broken 1").await;
    rig.run("source", "emit a {tell {append heard 1}; fail-if broken; append log 1}").await;
    rig.becomes("failures", || rig.service("sink").figures().errors.trap >= 3).await;
    let rig = rig.stop().await.start();
    rig.becomes("failures", || rig.service("sink").figures().errors.trap >= 3).await;
    rig.run("sink", "delete broken").await;
    rig.comes("sink", "log", "1").await;
    assert_eq!(rig.look("source", "heard").await, "1");
}

const THREE: [(&str, &str); 3] = [("source", "source"), ("sink", "sink"), ("other", "sink")];

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_is_down_holds_up_nobody_else() {
    let rig = Setup::new(&THREE).start_with(|service, limits| {
        if service == "sink" {
            (limits.circuit_failures, limits.circuit_open_ms) = (2, 60_000);
        }
    });
    rig.run("sink", "set broken 1").await;
    for _ in 0..2 {
        assert!(rig.try_run("sink", "fail-if broken").await.is_err());
    }
    for event in 0..20 {
        rig.run("source", &format!("emit {event} {{append log {event}}}")).await;
    }
    rig.comes("other", "log", &numbers(0..20)).await;
    let paused =
        |rig: &Rig| rig.events.subscriptions(Some(rig.service("sink").name())).unwrap()[0].pause_reason.clone();
    rig.becomes("the events of sink are paused", || paused(&rig).is_some_and(|why| why.contains("circuit"))).await;
    assert_eq!(rig.look_now("sink", "log"), "");
    let rig = rig.stop().await.start();
    rig.run("sink", "delete broken").await;
    rig.settled("sink").await;
    assert_eq!(rig.look("sink", "log").await, numbers(0..20));
    assert_eq!(paused(&rig), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_is_slow_holds_up_nobody_else() {
    let rig = Setup::new(&THREE).start_with(|service, limits| {
        limits.deadline_ms = if service == "sink" { 2_000 } else { limits.deadline_ms };
    });
    rig.run("sink", "set slow 1").await;
    rig.run("source", "emit a {spin-if slow; append log 1}").await;
    for event in 2..20 {
        rig.run("source", &format!("emit b {{append log {event}}}")).await;
    }
    rig.comes("other", "log", &numbers(1..20)).await;
    // The slow one is kept for itself, and the others are not behind it.
    rig.comes("sink", "log", &numbers(2..20)).await;
    rig.run("sink", "delete slow").await;
    rig.comes("sink", "log", &format!("{} 1", numbers(2..20))).await;
}
