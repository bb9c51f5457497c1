//! `switchyard events`: who takes whose events, how far, and what could not be delivered.

#[cfg(test)]
mod tests;

use serde_json::json;

use crate::cli::arguments::{DeadLetters, Events, EventsAction};
use crate::cli::client::documents::{Count, Delivery, Items, ServiceEvents, Subscription};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::Outcome;
use crate::cli::output::format::{NOTHING, counted, utc};
use crate::cli::output::print;

pub(in crate::cli) fn run(target: &Target, command: &Events) -> Outcome {
    match (&command.action, &command.service) {
        (Some(EventsAction::Replay(letters)), _) => {
            change(target, letters, "replay", "is delivered again", command.json)
        }
        (Some(EventsAction::Drop(letters)), _) => change(target, letters, "drop", "is deleted", command.json),
        (None, Some(service)) => {
            let answer = Request::get(&["events", service]).send(target)?;
            answer.render(command.json, |taken: &ServiceEvents| {
                [subscriptions(&taken.items), letters(&taken.letters)].join("\n\n").trim_end().to_owned()
            })
        }
        (None, None) => {
            let answer = Request::get(&["events"]).send(target)?;
            answer.render(command.json, |taken: &Items<Subscription>| subscriptions(&taken.items))
        }
    }
}

fn change(target: &Target, letters: &DeadLetters, action: &str, done: &str, json: bool) -> Outcome {
    let DeadLetters { service, ids, all, reason } = letters;
    let mut body = if *all { json!({ "all": true }) } else { json!({ "ids": ids }) };
    if let (Some(body), Some(reason)) = (body.as_object_mut(), reason) {
        body.insert("reason".into(), reason.as_str().into());
    }
    let answer = Request::post(&["events", service, action]).json(&body).send(target)?;
    answer.render(json, |count: &Count| match count.count {
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
    print::table(&rows, |column| (2..=5).contains(&column))
}

fn letters(letters: &[Delivery]) -> String {
    if letters.is_empty() {
        return "everything was delivered".into();
    }
    let heading = ["ID", "STATE", "EVENT", "EMITTED (UTC)", "ATTEMPTS", "LAST ERROR"].map(str::to_owned).to_vec();
    let row = |letter: &Delivery| {
        let error = letter.error.clone().unwrap_or_else(|| NOTHING.into());
        let attempts = letter.attempts.to_string();
        vec![letter.id.clone(), letter.state.clone(), letter.function.clone(), utc(&letter.emitted_at), attempts, error]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(letters.iter().map(row)).collect();
    print::table(&rows, |column| column == 4)
}
