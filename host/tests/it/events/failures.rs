//! Events that cannot be delivered: what waits for them and what does not, and where they end.

use bytes::Bytes;
use switchyard::events::{DeadLetterError, DeadLetters, EventId};
use switchyard::names::CallId;
use switchyard::store::{CommitDetails, Event};

use super::{PAIR, Rig, Setup, name, settings};
use crate::guest::now;

/// The failed deliveries of `sink`, by state and script.
fn failed_deliveries(rig: &Rig) -> Vec<String> {
    let deliveries = rig.events.failed_deliveries(&name("sink"), None, 100).unwrap();
    let script = |script: &serde_json::Value| script.as_str().unwrap().rsplit(' ').next().unwrap().to_owned();
    deliveries.iter().map(|delivery| format!("{} {}", delivery.state, script(&delivery.payload["script"]))).collect()
}

fn ids(rig: &Rig) -> Vec<EventId> {
    let deliveries = rig.events.failed_deliveries(&name("sink"), None, 100).unwrap();
    deliveries.iter().map(|delivery| EventId::parse(&delivery.id).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_its_call_and_of_its_key_wait_for_one_that_fails_and_all_others_go_on() {
    let rig = Setup::new(&PAIR).start();
    rig.run("sink", "set broken 1").await;
    rig.run("source", "emit a {fail-if broken; append log a1}; emit b {append log b1}; pass {append log p1}").await;
    rig.run("source", "emit a {append log a2}").await;
    rig.run("source", "emit c {append log c1}").await;
    rig.run("source", "emit b {append log b2}").await;
    rig.run("source", "pass {append log p2}").await;
    rig.comes("sink", "log", "c1 p2").await;
    let waiting = ["retrying a1", "waiting b1", "waiting p1", "waiting a2", "waiting b2"];
    assert_eq!(failed_deliveries(&rig), waiting);

    // The same holds after a restart.
    let rig = rig.stop().await.start();
    rig.run("source", "emit a {append log a3}").await;
    rig.run("source", "emit c {append log c2}").await;
    rig.comes("sink", "log", "c1 p2 c2").await;
    rig.run("sink", "delete broken").await;
    rig.settled("sink").await;
    let log = rig.look("sink", "log").await;
    let place = |event: &str| log.split(' ').position(|word| word == event).unwrap_or_else(|| panic!("{event}: {log}"));
    assert_eq!(log.split(' ').count(), 9, "{log}");
    for order in [["a1", "b1", "p1"], ["a1", "a2", "a3"], ["c1", "p2", "c2"], ["c1", "b1", "b2"]] {
        assert!(order.is_sorted_by_key(|event| place(event)), "{order:?}: {log}");
    }
    assert_eq!(failed_deliveries(&rig), Vec::<String>::new());
}

fn dying(attempts_max: u32) -> Setup {
    let mut setup = Setup::new(&PAIR);
    setup.settings.attempts_max = attempts_max;
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_fails_too_often_becomes_a_dead_letter_and_blocks_no_other() {
    for attempts_max in [1, 3] {
        let rig = dying(attempts_max).start();
        rig.run("sink", "set broken 1").await;
        rig.run("source", "emit a {fail-if broken; append log a1}; emit a {append log a2}").await;
        rig.comes("sink", "log", "a2").await;
        assert_eq!(failed_deliveries(&rig), ["dead a1"]);
        let delivery = rig.events.failed_deliveries(&name("sink"), None, 100).unwrap().remove(0);
        assert_eq!((delivery.attempts, delivery.error.as_deref()), (attempts_max, Some("sink failed")));
        assert!(delivery.first_failed_at <= delivery.last_failed_at);

        let rig = rig.stop().await.start();
        rig.run("source", "emit a {append log a3}").await;
        rig.comes("sink", "log", "a2 a3").await;
        assert_eq!(failed_deliveries(&rig), ["dead a1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_replayed_once_or_deleted() {
    let rig = dying(1).start();
    rig.run("sink", "set broken 1").await;
    for event in 1..=4 {
        rig.run("source", &format!("emit {event} {{fail-if broken; append log {event}}}")).await;
    }
    rig.becomes("four dead letters", || failed_deliveries(&rig).len() == 4).await;
    rig.run("sink", "delete broken").await;
    let (sink, ids) = (name("sink"), ids(&rig));
    let these = |chosen: &[usize]| DeadLetters::These(chosen.iter().map(|index| ids[*index].clone()).collect());

    assert_eq!(rig.events.replay(&sink, &these(&[1, 1])).await.unwrap(), 1);
    rig.comes("sink", "log", "2").await;
    let gone = rig.events.replay(&sink, &these(&[0, 1])).await;
    assert!(matches!(gone, Err(DeadLetterError::NoDeadLetter { id, .. }) if id == ids[1]), "it is delivered");
    assert_eq!(rig.events.discard(&sink, &these(&[0])).await.unwrap(), 1);
    assert_eq!(failed_deliveries(&rig), ["dead 3", "dead 4"]);
    assert_eq!(rig.events.replay(&sink, &DeadLetters::All).await.unwrap(), 2);
    rig.comes("sink", "log", "2 3 4").await;
    assert_eq!(rig.events.discard(&sink, &DeadLetters::All).await.unwrap(), 0);
    let strange = rig.events.replay(&name("nobody"), &DeadLetters::All).await;
    assert!(matches!(strange, Err(DeadLetterError::NoService { .. })));
}

/// A subscriber that cannot take what comes is a line now and then, not one for each attempt.
#[tokio::test]
async fn a_delivery_that_fails_again_and_again_is_seldom_logged() {
    const ATTEMPTS: u64 = 60;
    crate::log::capture();
    let rig = Setup::new(&PAIR).start();
    rig.run("sink", "set broken 1").await;
    let began = now();
    rig.run("source", "emit a {fail-if broken; append log 1}").await;
    rig.becomes("many attempts", || rig.service("sink").figures().errors.trap >= ATTEMPTS).await;
    let (logged, seconds) = (crate::log::take(), usize::try_from(began.elapsed().as_secs()).unwrap());
    let lines = |text: &str| logged.lines().filter(|line| line.contains(text)).count();
    let (deliveries, runs) = (lines("a delivery failed"), lines("a run failed"));
    assert!((1..=1 + seconds / 10).contains(&deliveries), "{deliveries} in {seconds} s: {logged}");
    assert!(runs <= 4 * (seconds + 2), "{runs} in {seconds} s: {logged}");
    rig.stop().await;
}

#[tokio::test]
async fn a_replayed_dead_letter_has_as_many_attempts_as_a_new_event() {
    let rig = dying(3).start();
    rig.run("sink", "set broken 1").await;
    rig.run("source", "emit a {fail-if broken; append log 1}").await;
    rig.becomes("a dead letter", || failed_deliveries(&rig) == ["dead 1"]).await;
    let failures = || rig.service("sink").figures().errors.trap;
    assert_eq!(failures(), 3);
    rig.events.replay(&name("sink"), &DeadLetters::All).await.unwrap();
    rig.becomes("it is dead again", || failures() == 6 && failed_deliveries(&rig) == ["dead 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_of_other_types_becomes_a_dead_letter_with_the_reason() {
    let rig = Setup::new(&PAIR).start();
    let payload = Bytes::from_static(br#"{"key": "a", "script": 7}"#);
    let (interface, function) = ("test:events/happenings@1.0.0".into(), "happened".into());
    let mut transaction = rig.service("source").store().begin();
    transaction.emit(Event { interface, function, payload }).unwrap();
    transaction.commit(CommitDetails { call: CallId([1; 16]), data_version: None }).await.unwrap();
    rig.run("source", "emit a {append log 1}").await;
    rig.comes("sink", "log", "1").await;
    let deliveries = rig.events.failed_deliveries(&name("sink"), None, 100).unwrap();
    let error = deliveries[0].error.clone().unwrap();
    assert_eq!((deliveries.len(), deliveries[0].state), (1, "dead"));
    assert!(error.starts_with("its payload does not fit: ") && error.contains("script"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_deleted_when_all_subscribers_have_handled_them_and_not_before() {
    let mut setup = Setup::new(&[("source", "source"), ("sink", "sink"), ("other", "sink")]);
    setup.settings = switchyard::config::EventSettings { kept_ms: 0, ..settings() };
    let rig = setup.start_with(|service, limits| {
        if service == "sink" {
            (limits.circuit_failures, limits.circuit_open_ms) = (1, 60_000);
        }
    });
    let kept = |rig: &Rig| rig.service("source").store().emitted(None, 100).unwrap().len();
    rig.run("source", "emit a {append log 1}").await;
    rig.becomes("what is taken goes", || kept(&rig) == 0).await;
    rig.run("sink", "set broken 1").await;
    assert!(rig.try_run("sink", "fail-if broken").await.is_err());
    rig.run("source", "emit a {append log 2}").await;
    rig.run("source", "emit a {append log 3}").await;
    rig.comes("other", "log", "1 2 3").await;
    // Two rounds of what deletes them.
    rig.passes(2_500).await;
    assert_eq!(kept(&rig), 2, "one has not taken them");
    let rig = rig.stop().await.start();
    rig.comes("sink", "log", "1 2 3").await;
    rig.becomes("what is taken goes", || kept(&rig) == 0).await;
}
