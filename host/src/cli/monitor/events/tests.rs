use serde_json::Value;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

fn command(line: &str) -> Events {
    let Command::Events(command) = parsed(line) else { panic!("events") };
    command
}

fn taken() -> Value {
    json!([
        {"service": "account", "from": "cart", "lagEvents": 0, "lagSeconds": 0.0, "retrying": 0, "dead": 0},
        {"service": "cart", "from": "shipping", "lagEvents": 12, "lagSeconds": 3.25, "retrying": 1, "dead": 2,
         "pauseReason": "its circuit is open"},
    ])
}

const TABLE: &str = "\
SERVICE  FROM      BEHIND  SECONDS  RETRYING  DEAD  STATE
account  cart           0      0.0         0     0  delivers
cart     shipping      12      3.2         1     2  paused: its circuit is open";

#[test]
fn subscriptions_are_a_table_and_failed_deliveries_another() {
    let asked = command("switchyard events");
    let (outcome, seen) = FakeHost::new().answer(200, json!({"items": taken()})).run(|target| run(target, &asked));
    assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (TABLE, vec!["GET /events"]));

    let delivery = json!({"id": "shipping.42.0", "state": "dead", "function": "shipment-status-changed", "attempts": 12,
            "emittedAt": "2026-01-02T03:04:05Z", "error": "cart failed"});
    let answer = json!({"items": taken(), "failedDeliveries": [delivery]});
    let asked = command("switchyard events cart");
    let (outcome, seen) = FakeHost::new().answer(200, answer).run(|target| run(target, &asked));
    let deliveries = "\
ID             STATE  EVENT                    EMITTED (UTC)        ATTEMPTS  LAST ERROR
shipping.42.0  dead   shipment-status-changed  2026-01-02 03:04:05        12  cart failed";
    assert_eq!(outcome.expect("tables"), format!("{TABLE}\n\n{deliveries}"));
    assert_eq!(lines(&seen), ["GET /events/cart"]);
}

#[test]
fn dead_letters_are_replayed_or_dropped_by_their_ids_or_all() {
    let check = |line: &str, count: u64, asked: &str, body: Value, said: &str| {
        let command = command(line);
        let answer = json!({ "count": count });
        let (outcome, seen) = FakeHost::new().answer(200, answer).run(|target| run(target, &command));
        assert_eq!(outcome.expect("it is done"), said);
        assert_eq!((lines(&seen), seen[0].json()), (vec![asked], body));
    };
    let replay = "switchyard events replay cart a.1.0 a.2.0";
    let body = json!({"ids": ["a.1.0", "a.2.0"]});
    check(replay, 2, "POST /events/cart/replay", body, "2 dead letters of cart are delivered again");
    let body = json!({"all": true, "reason": "fixed"});
    let drop = "switchyard events drop cart --all --reason fixed";
    check(drop, 1, "POST /events/cart/drop", body, "1 dead letter of cart is deleted");
}
