//! How much events may take: the largest event is retried like any other, and a full outbox costs its emitter's clients
//! nothing.

use bytes::Bytes;
use serde_json::json;
use switchyard::events::DeadLetters;
use switchyard::limits::{DEAD_LETTERS_MAX, EVENT_BYTES_MAX, EVENTS_BYTES_MAX, EVENTS_RETRIED_MAX};
use switchyard::names::{CallId, CommitSeq};
use switchyard::store::system::{DEAD_LETTERS, EventId, EventSeq, OUTBOX, OutboxKey};
use switchyard::store::{CommitDetails, Event, StoreError, Transaction};

use super::{PAIR, Rig, Setup, name, numbers};

const INTERFACE: &str = "test:events/happenings@1.0.0";
const FUNCTION: &str = "happened";

/// An event of `bytes` whose handler sets `big`, unless `broken` is set.
fn event(bytes: usize) -> Event {
    let payload = |text: &str| json!({"key": "a", "script": format!("fail-if broken; set big {text}")}).to_string();
    let empty = INTERFACE.len() + FUNCTION.len() + payload("").len();
    let payload: Bytes = payload(&"x".repeat(bytes - empty)).into();
    let event = Event { interface: INTERFACE.into(), function: FUNCTION.into(), payload };
    assert_eq!(event.interface.len() + event.function.len() + event.payload.len(), bytes);
    event
}

async fn commit(transaction: Transaction) {
    transaction.commit(CommitDetails { call: CallId([1; 16]), data_version: None }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_events_are_retried_and_become_dead_letters_and_are_replayed() {
    let mut setup = Setup::new(&PAIR);
    setup.settings.attempts_max = 3;
    let rig = setup.start_with(|_, limits| limits.kept_bytes_max = 1 << 30);
    let source = rig.service("source").store();
    let mut transaction = source.begin();
    let refused = transaction.emit(event(EVENT_BYTES_MAX + 1));
    assert!(matches!(refused, Err(StoreError::EventTooLarge { bytes }) if bytes == EVENT_BYTES_MAX + 1));
    let count = EVENTS_BYTES_MAX / EVENT_BYTES_MAX;
    for _ in 0..count {
        transaction.emit(event(EVENT_BYTES_MAX)).unwrap();
    }
    assert!(matches!(transaction.emit(event(1_000)), Err(StoreError::EventsTooLarge)));
    rig.run("sink", "set broken 1").await;
    commit(transaction).await;
    rig.run("source", "emit b {append log 1}").await;
    let dead = || rig.events.subscriptions(None).unwrap()[0].dead;
    rig.becomes("all are dead letters", || dead() == count).await;
    rig.comes("sink", "log", "1").await;
    rig.run("sink", "delete broken").await;
    assert_eq!(rig.events.replay(&name("sink"), &DeadLetters::All).await.unwrap(), count);
    rig.settled("sink").await;
    assert_eq!((dead(), rig.look_now("sink", "big").len() > EVENT_BYTES_MAX / 2), (0, true));
}

/// What a service may keep, of which a fifth is for its outbox.
const KEPT_BYTES_MAX: u64 = 500_000;

/// The numbers that the scripts of the dead letters of `service` end with.
fn dead_numbers(rig: &Rig, service: &str) -> Vec<usize> {
    let letters = rig.events.failed_deliveries(&name(service), None, 1_000).unwrap();
    let number = |script: &serde_json::Value| script.as_str().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    letters.iter().filter(|letter| letter.state == "dead").map(|letter| number(&letter.payload["script"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_outbox_moves_its_oldest_events_to_the_dead_letters_and_refuses_no_client() {
    let rig = Setup::new(&[("source", "source"), ("sink", "sink"), ("other", "sink")]).start_with(|service, limits| {
        match service {
            "source" => limits.kept_bytes_max = KEPT_BYTES_MAX,
            "sink" => (limits.circuit_failures, limits.circuit_open_ms) = (2, 5_000),
            _ => {}
        }
    });
    rig.run("sink", "set broken 1").await;
    for _ in 0..2 {
        assert!(rig.try_run("sink", "fail-if broken").await.is_err());
    }
    let (count, padding) = (1_000, "x".repeat(500));
    for first in (0..count).step_by(100) {
        let end = first + 100;
        rig.run("source", &format!("emit-each {first} {end} a {{set padding {padding}; append log}}")).await;
        rig.try_keyed("source", "get nothing", &format!("key-{first}")).await.expect("no client is refused");
        // A machine that is busy must not let the healthy one fall behind, too.
        rig.settled("other").await;
    }
    let source = rig.service("source").store();
    let fits = || source.usage(&OUTBOX).bytes <= OUTBOX.bytes_max(KEPT_BYTES_MAX);
    rig.becomes("the outbox fits its budget", fits).await;
    rig.comes("other", "log", &numbers(0..count)).await;
    let dead = dead_numbers(&rig, "sink");
    assert!(dead.len() > count / 2 && dead.iter().copied().eq(0..dead.len()), "the oldest ones: {dead:?}");
    let letters = rig.events.failed_deliveries(&name("sink"), None, 1).unwrap();
    assert_eq!((letters[0].error.as_deref(), letters[0].attempts), (Some("the outbox of source was full"), 0));

    // The others wait until the circuit closes, and then are delivered in their order.
    rig.settled("sink").await;
    assert_eq!(rig.look("sink", "log").await, numbers(dead_numbers(&rig, "sink").len()..count));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_dead_letters_are_deleted_when_there_are_too_many() {
    let mut setup = Setup::new(&PAIR);
    setup.settings.attempts_max = 1;
    let rig = setup.start_with(|service, limits| {
        limits.kept_bytes_max = if service == "sink" { KEPT_BYTES_MAX } else { limits.kept_bytes_max };
    });
    rig.run("sink", "set broken 1").await;
    let (count, padding) = (200, "x".repeat(500));
    rig.run("source", &format!("emit-each 0 {count} a {{fail-if broken; set padding {padding}; append log}}")).await;
    rig.settled("sink").await;
    let sink = rig.service("sink").store();
    let fits = || sink.usage(&DEAD_LETTERS).bytes <= DEAD_LETTERS.bytes_max(KEPT_BYTES_MAX);
    rig.becomes("dead letters fit their budget", fits).await;
    let dead = dead_numbers(&rig, "sink");
    assert!(dead.len() > 10 && dead.iter().copied().eq(count - dead.len()..count), "the latest ones: {dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_dead_letters_are_deleted_when_they_are_too_many_to_look_at() {
    let rig = Setup::new(&PAIR).start_with(|_, limits| limits.kept_bytes_max = 1 << 30);
    let sink = rig.service("sink").store();
    let count = DEAD_LETTERS_MAX + 120;
    let id = |number: u64| EventId { emitter: name("source"), seq: EventSeq(CommitSeq(number), 0) };
    let numbers: Vec<_> = (1..=count).collect();
    for some in numbers.chunks(20_000) {
        let mut transaction = sink.begin();
        some.iter().for_each(|number| transaction.write_row(DEAD_LETTERS.put(&id(*number), "a dead letter")));
        commit(transaction).await;
    }
    rig.becomes("fewer dead letters", || sink.usage(&DEAD_LETTERS).rows <= DEAD_LETTERS_MAX).await;
    let left = sink.usage(&DEAD_LETTERS).rows;
    assert!(left > DEAD_LETTERS_MAX - 50, "no more than necessary: {left}");
    assert_eq!(sink.row_keys(&DEAD_LETTERS, .., 1).unwrap(), [id(count - left + 1)], "the oldest ones");
}

/// What is known of each is in memory.
#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_events_are_retried_at_once_and_the_others_stay_where_they_are() {
    let mut setup = Setup::new(&PAIR);
    (setup.settings.retry_ms_min, setup.settings.retry_ms_max) = (600_000, 600_000);
    let rig = setup.start_with(|_, limits| limits.kept_bytes_max = 1 << 30);
    rig.run("sink", "set broken 1").await;
    let beyond = 200;
    for first in (0..EVENTS_RETRIED_MAX + beyond).step_by(400) {
        rig.run("source", &format!("emit-each {first} {} a {{fail-if broken; append log}}", first + 400)).await;
    }
    let waits = || {
        let known = rig.events.subscriptions(None).unwrap();
        known[0].pause_reason.as_ref().is_some_and(|why| why.contains("too many failed deliveries"))
    };
    rig.becomes("it waits", waits).await;
    let known = rig.events.subscriptions(None).unwrap();
    assert_eq!((known[0].retrying, known[0].lag_events, known[0].dead), (EVENTS_RETRIED_MAX, beyond, 0));
    rig.run("sink", "delete broken").await;
    // A start tries them again at once.
    let rig = rig.stop().await.start_with(|_, limits| limits.kept_bytes_max = 1 << 30);
    rig.comes("sink", "log", &numbers(0..EVENTS_RETRIED_MAX + beyond)).await;
}

/// The value of the row is no event: whoever reads it fails.
#[tokio::test(flavor = "multi_thread")]
async fn lag_is_computed_without_reading_payloads() {
    let rig = Setup::new(&PAIR).start();
    let source = rig.service("source").store();
    let mut transaction = source.begin();
    let key = OutboxKey { seq: EventSeq(CommitSeq(1_000_000), 0), emitted_at: 1 };
    transaction.write_row(OUTBOX.put(&key, "no event"));
    commit(transaction).await;
    source.emitted(None, 10).unwrap_err();
    let lag = || {
        let subscriptions = rig.events.subscriptions(None).unwrap();
        subscriptions.first().map(|subscription| (subscription.lag_events, subscription.lag_seconds > 1_000_000.0))
    };
    rig.becomes("the lag and its age", || lag() == Some((1, true))).await;
}
