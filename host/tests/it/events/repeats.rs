//! Calls that may run again keep their memos, and a delivery that cannot begin is no failure.

use std::time::Duration;

use bytes::Bytes;
use switchyard::config::LimitSettings;
use switchyard::events::DeadLetters;
use switchyard::names::CallId;
use switchyard::store::system::MEMOS;
use switchyard::store::{CommitDetails, Event};

use super::{PAIR, Rig, Setup, name};
use crate::calls::spawn;
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

/// Why a call of `sink` with an effect in `source` runs again long after its memo is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunsAgain {
    Retry,
    ReplayedDeadLetter,
    ReplayedDeadLetterOfAPairThatWasAbsent,
    IntentOfAServiceThatWasRemoved,
    /// It is in flight while its memo grows old: so it is after a jump of the clock, too.
    InFlight,
}

const TELLS: &str = "tell {append heard 1}; fail-if broken; append log 1";
const THREE: [(&str, &str); 3] = [("source", "source"), ("other", "plain"), ("sink", "sink")];

/// Waits until the memos of calls that have ended are deleted; one other stays in `source`.
async fn old_memos_go(rig: &Rig) {
    rig.run("other", "tell {append canary 1}").await;
    let memos = || rig.service("source").store().usage(&MEMOS).rows;
    rig.becomes("memos of ended calls are deleted", || memos() <= 1).await;
    assert_eq!(memos(), 1, "the memo of a call that may run again");
}

async fn check_that_a_memo_stays(runs_again: RunsAgain) {
    let mut setup = Setup::new(&THREE);
    setup.retries.memos_kept_ms = 0;
    let dies = matches!(runs_again, RunsAgain::ReplayedDeadLetter | RunsAgain::ReplayedDeadLetterOfAPairThatWasAbsent);
    setup.settings.attempts_max = if dies { 1 } else { 1_000_000 };
    let short = |service: &str, limits: &mut LimitSettings| {
        if service == "sink" {
            limits.deadline_ms = 1_000;
        }
    };
    let mut rig = setup.start_with(short);
    rig.run("sink", "set broken 1").await;
    let heard = async |rig: &Rig| rig.comes("source", "heard", "1").await;
    match runs_again {
        RunsAgain::Retry => {
            emit(&rig, TELLS).await;
            heard(&rig).await;
            old_memos_go(&rig).await;
            rig.run("sink", "delete broken").await;
        }
        RunsAgain::ReplayedDeadLetter | RunsAgain::ReplayedDeadLetterOfAPairThatWasAbsent => {
            emit(&rig, TELLS).await;
            let dead = || rig.events.failed_deliveries(&name("sink"), None, 10).unwrap();
            rig.becomes("a dead letter", || dead().first().is_some_and(|letter| letter.state == "dead")).await;
            if runs_again == RunsAgain::ReplayedDeadLetterOfAPairThatWasAbsent {
                rig.swap(&[("source", "source"), ("other", "plain"), ("sink", "plain")], 0);
                let absent = |rig: &Rig| rig.events.subscriptions(Some(&name("sink"))).unwrap().is_empty();
                rig.becomes("the pair is absent", || absent(&rig)).await;
                old_memos_go(&rig).await;
                rig.swap(&THREE, 0);
                rig.becomes("the pair is back", || !absent(&rig)).await;
            }
            old_memos_go(&rig).await;
            rig.run("sink", "delete broken").await;
            let replayed = async || rig.events.replay(&name("sink"), &DeadLetters::All).await;
            while replayed().await.unwrap() == 0 {}
        }
        RunsAgain::IntentOfAServiceThatWasRemoved => {
            assert!(rig.try_run("sink", TELLS).await.is_err());
            assert_eq!(rig.calls.intents().len(), 1);
            let removed = Setup { services: THREE[..2].to_vec(), ..rig.stop().await };
            let without = removed.start_with(short);
            old_memos_go(&without).await;
            rig = Setup { services: THREE.to_vec(), ..without.stop().await }.prepare(short);
            let mut transaction = rig.service("sink").store().begin();
            transaction.delete("broken").unwrap();
            let details = CommitDetails { call: CallId([1; 16]), data_version: None };
            transaction.commit(details).await.unwrap();
            rig.run_all();
        }
        RunsAgain::InFlight => {
            let call = format!("tell {{append heard 1}}; sleep 600; {}", TELLS.split_once("; ").unwrap().1);
            let in_flight = async {
                heard(&rig).await;
                old_memos_go(&rig).await;
                tokio::time::sleep(Duration::from_millis(700)).await;
                rig.run("sink", "delete broken").await;
            };
            let (_fails_first, ()) = tokio::join!(rig.try_run("sink", &call), in_flight);
        }
    }
    rig.comes("sink", "log", "1").await;
    assert_eq!(rig.look("source", "heard").await, "1", "{runs_again:?}: its effect elsewhere was doubled");
    let memos = || rig.service("source").store().usage(&MEMOS).rows;
    rig.becomes("the memo goes when its call has ended", || memos() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memo_stays_while_its_call_may_run_again_and_no_longer() {
    let all = [
        RunsAgain::Retry,
        RunsAgain::ReplayedDeadLetter,
        RunsAgain::ReplayedDeadLetterOfAPairThatWasAbsent,
        RunsAgain::IntentOfAServiceThatWasRemoved,
        RunsAgain::InFlight,
    ];
    let mut wrong = Vec::new();
    for runs_again in all {
        if spawn(check_that_a_memo_stays(runs_again)).await.is_err() {
            wrong.push(runs_again);
        }
    }
    assert_eq!(wrong, []);
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
