//! `switchyard events`: who takes whose events, how far, and what could not be delivered.

use serde_json::json;

use super::arguments::{Events, EventsAction, Letters};
use super::documents::{Count, Items, Letter, Subscription, TakenEvents};
use super::failure::Outcome;
use super::figures::{NOTHING, counted, utc};
use super::output;
use super::request::Request;
use super::target::Target;

pub(super) fn run(target: &Target, command: &Events) -> Outcome {
    match (&command.action, &command.service) {
        (Some(EventsAction::Replay(letters)), _) => {
            change(target, letters, "replay", "is delivered again", command.json)
        }
        (Some(EventsAction::Drop(letters)), _) => change(target, letters, "drop", "is deleted", command.json),
        (None, Some(service)) => {
            let answer = Request::get(&["events", service]).send(target)?;
            answer.told(command.json, |taken: &TakenEvents| {
                [subscriptions(&taken.items), letters(&taken.letters)].join("\n\n").trim_end().to_owned()
            })
        }
        (None, None) => {
            let answer = Request::get(&["events"]).send(target)?;
            answer.told(command.json, |taken: &Items<Subscription>| subscriptions(&taken.items))
        }
    }
}

fn change(target: &Target, letters: &Letters, action: &str, done: &str, json: bool) -> Outcome {
    let Letters { service, ids, all, reason } = letters;
    let mut body = if *all { json!({ "all": true }) } else { json!({ "ids": ids }) };
    if let (Some(body), Some(reason)) = (body.as_object_mut(), reason) {
        body.insert("reason".into(), reason.as_str().into());
    }
    let answer = Request::post(&["events", service, action]).json(&body).send(target)?;
    answer.told(json, |count: &Count| match count.count {
        1 => format!("1 letter for {service} {done}"),
        count => format!("{} for {service} {}", counted(count, "letter"), done.replacen("is", "are", 1)),
    })
}

fn subscriptions(taken: &[Subscription]) -> String {
    if taken.is_empty() {
        return "no service takes events".into();
    }
    let heading = ["SERVICE", "FROM", "BEHIND", "SECONDS", "RETRYING", "DEAD", "STATE"].map(str::to_owned).to_vec();
    let row = |taken: &Subscription| {
        let state = taken.held.as_ref().map_or("delivers".into(), |why| format!("held: {why}"));
        let counts = [taken.lag_events.to_string(), format!("{:.1}", taken.lag_seconds)];
        let names = [taken.service.clone(), taken.from.clone()];
        let more = [taken.retrying.to_string(), taken.dead.to_string(), state];
        names.into_iter().chain(counts).chain(more).collect()
    };
    let rows: Vec<_> = std::iter::once(heading).chain(taken.iter().map(row)).collect();
    output::table(&rows, |column| (2..=5).contains(&column))
}

fn letters(letters: &[Letter]) -> String {
    if letters.is_empty() {
        return "everything was delivered".into();
    }
    let heading = ["ID", "STATE", "EVENT", "EMITTED (UTC)", "ATTEMPTS", "LAST ERROR"].map(str::to_owned).to_vec();
    let row = |letter: &Letter| {
        let error = letter.error.clone().unwrap_or_else(|| NOTHING.into());
        let attempts = letter.attempts.to_string();
        vec![letter.id.clone(), letter.state.clone(), letter.function.clone(), utc(&letter.emitted_at), attempts, error]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(letters.iter().map(row)).collect();
    output::table(&rows, |column| column == 4)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::arguments::Command;
    use super::super::fake_host::{FakeHost, lines, parsed};
    use super::*;

    fn command(line: &str) -> Events {
        let Command::Events(command) = parsed(line) else { panic!("events") };
        command
    }

    fn taken() -> Value {
        json!([
            {"service": "account", "from": "cart", "lagEvents": 0, "lagSeconds": 0.0, "retrying": 0, "dead": 0},
            {"service": "cart", "from": "shipping", "lagEvents": 12, "lagSeconds": 3.25, "retrying": 1, "dead": 2,
             "held": "its circuit is open"},
        ])
    }

    const TABLE: &str = "\
SERVICE  FROM      BEHIND  SECONDS  RETRYING  DEAD  STATE
account  cart           0      0.0         0     0  delivers
cart     shipping      12      3.2         1     2  held: its circuit is open";

    #[test]
    fn subscriptions_are_a_table_and_letters_another() {
        let asked = command("switchyard events");
        let (outcome, seen) = FakeHost::new().answer(200, json!({"items": taken()})).run(|target| run(target, &asked));
        assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (TABLE, vec!["GET /events"]));

        let letter = json!({"id": "shipping.42.0", "state": "dead", "function": "shipment-status-changed", "attempts": 12,
            "emittedAt": "2026-01-02T03:04:05Z", "error": "cart failed"});
        let answer = json!({"items": taken(), "letters": [letter]});
        let asked = command("switchyard events cart");
        let (outcome, seen) = FakeHost::new().answer(200, answer).run(|target| run(target, &asked));
        let letters = "\
ID             STATE  EVENT                    EMITTED (UTC)        ATTEMPTS  LAST ERROR
shipping.42.0  dead   shipment-status-changed  2026-01-02 03:04:05        12  cart failed";
        assert_eq!(outcome.expect("tables"), format!("{TABLE}\n\n{letters}"));
        assert_eq!(lines(&seen), ["GET /events/cart"]);
    }

    #[test]
    fn letters_are_replayed_or_dropped_by_their_ids_or_all() {
        let check = |line: &str, count: u64, asked: &str, body: Value, said: &str| {
            let command = command(line);
            let answer = json!({ "count": count });
            let (outcome, seen) = FakeHost::new().answer(200, answer).run(|target| run(target, &command));
            assert_eq!(outcome.expect("it is done"), said);
            assert_eq!((lines(&seen), seen[0].json()), (vec![asked], body));
        };
        let replay = "switchyard events replay cart a.1.0 a.2.0";
        let body = json!({"ids": ["a.1.0", "a.2.0"]});
        check(replay, 2, "POST /events/cart/replay", body, "2 letters for cart are delivered again");
        let body = json!({"all": true, "reason": "fixed"});
        let drop = "switchyard events drop cart --all --reason fixed";
        check(drop, 1, "POST /events/cart/drop", body, "1 letter for cart is deleted");
    }
}
