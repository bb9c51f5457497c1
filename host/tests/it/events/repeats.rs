//! What may run again: the host knows the calls whose memos must stay, and a delivery that cannot begin is no failure.

use std::time::Duration;

use bytes::Bytes;
use switchyard::events::DeadLetters;
use switchyard::names::CallId;
use switchyard::store::{CommitDetails, Event};

use super::{PAIR, Rig, Setup, name};
use crate::guest::now;

/// Emits an event whose handler runs `script`, without a call of the source, and gives the id of its delivery.
async fn emit(rig: &Rig, script: &str) -> CallId {
    let payload = Bytes::from(serde_json::json!({"key": "a", "script": script}).to_string());
    let (interface, function) = ("test:events/happenings@1.0.0".into(), "happened".into());
    let mut transaction = rig.service("source").store().begin();
    transaction.emit(Event { interface, function, payload }).unwrap();
    let details = CommitDetails { call: CallId([1; 16]), data_version: None };
    let commit = transaction.commit(details).await.unwrap();
    rig.calls.host_call_id(&format!("event source {} 0 sink", commit.0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_may_run_again_until_it_has_ended_also_while_its_pair_is_absent() {
    let mut setup = Setup::new(&PAIR);
    setup.settings.attempts_max = 2;
    let mut rig = setup.start();
    let may_run_again = |rig: &Rig, id| rig.events.repeatable_calls().unwrap().contains(&id);

    let delivered = emit(&rig, "append log 1").await;
    rig.comes("sink", "log", "1").await;
    assert!(!may_run_again(&rig, delivered));

    rig.run("sink", "set broken 1").await;
    let dead = emit(&rig, "tell {append heard 1}; fail-if broken; append log 2").await;
    let is_dead = |rig: &Rig| rig.events.subscriptions(None).unwrap()[0].dead == 1;
    while !is_dead(&rig) {
        assert!(may_run_again(&rig, dead), "an event that is delivered or retried");
        tokio::task::yield_now().await;
    }
    assert!(may_run_again(&rig, dead), "a dead letter");
    rig.swap(&[("source", "source"), ("sink", "plain")], 0);
    rig.becomes("the pair is absent", || rig.events.subscriptions(None).unwrap().is_empty()).await;
    let pending = emit(&rig, "append log 3").await;
    assert!(may_run_again(&rig, dead) && may_run_again(&rig, pending), "the pair may come back");

    rig.swap(&PAIR, 0);
    rig.comes("sink", "log", "1 3").await;
    assert!(!may_run_again(&rig, pending) && may_run_again(&rig, dead));
    rig.run("sink", "delete broken").await;
    assert_eq!(rig.events.replay(&name("sink"), &DeadLetters::All).await.unwrap(), 1);
    rig.comes("sink", "log", "1 3 2").await;
    assert!(!may_run_again(&rig, dead));
    assert_eq!(rig.look("source", "heard").await, "1", "the replay used the memo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_waits_for_a_migration_is_no_failure() {
    let mut setup = Setup::new(&PAIR);
    setup.settings.attempts_max = 1;
    let rig = setup.start_with(|service, limits| {
        limits.deadline_ms = if service == "sink" { 100 } else { limits.deadline_ms };
    });
    let hold = rig.calls.hold(now() + Duration::from_secs(20)).await.expect("no call is under way");
    emit(&rig, "append log 1").await;
    let waits = || {
        let subscriptions = rig.events.subscriptions(None).unwrap();
        let why = subscriptions.first().and_then(|subscription| subscription.pause_reason.clone());
        why.is_some_and(|why| why.contains("migrated"))
    };
    rig.becomes("the delivery has waited for its deadline", waits).await;
    assert!(rig.events.failed_deliveries(&name("sink"), None, 10).unwrap().is_empty());
    drop(hold);
    rig.comes("sink", "log", "1").await;
}
