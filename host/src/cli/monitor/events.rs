//! `switchyard events`: the subscriptions with their lag, and the failed deliveries.

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
        (Some(EventsAction::Replay(which)), _) => {
            change(target, which, "replay", "is delivered again", command.host.json)
        }
        (Some(EventsAction::Drop(which)), _) => change(target, which, "drop", "is deleted", command.host.json),
        (None, Some(service)) => {
            let answer = Request::get(&["events", service]).send(target)?;
            answer.render(command.host.json, |taken: &ServiceEvents| {
                [subscriptions(&taken.items), deliveries(&taken.failed_deliveries)].join("\n\n").trim_end().to_owned()
            })
        }
        (None, None) => {
            let answer = Request::get(&["events"]).send(target)?;
            answer.render(command.host.json, |taken: &Items<Subscription>| subscriptions(&taken.items))
        }
    }
}

fn change(target: &Target, which: &DeadLetters, action: &str, done: &str, json: bool) -> Outcome {
    let DeadLetters { service, ids, all, reason } = which;
    let mut body = if *all { json!({ "all": true }) } else { json!({ "ids": ids }) };
    if let (Some(body), Some(reason)) = (body.as_object_mut(), reason) {
        body.insert("reason".into(), reason.as_str().into());
    }
    let answer = Request::post(&["events", service, action]).json(&body).send(target)?;
    answer.render(json, |count: &Count| match count.count {
        1 => format!("1 dead letter of {service} {done}"),
        count => format!("{} of {service} {}", counted(count, "dead letter"), done.replacen("is", "are", 1)),
    })
}

fn subscriptions(taken: &[Subscription]) -> String {
    if taken.is_empty() {
        return "no service subscribes to events".into();
    }
    let heading = ["SERVICE", "FROM", "BEHIND", "SECONDS", "RETRYING", "DEAD", "STATE"];
    let row = |taken: &Subscription| {
        let state = taken.pause_reason.as_ref().map_or("delivers".into(), |why| format!("paused: {why}"));
        let [events, retrying, dead] = [taken.lag_events, taken.retrying, taken.dead].map(|count| count.to_string());
        let seconds = format!("{:.1}", taken.lag_seconds);
        [taken.service.clone(), taken.from.clone(), events, seconds, retrying, dead, state]
    };
    print::list(heading, taken, row, |column| (2..=5).contains(&column))
}

fn deliveries(deliveries: &[Delivery]) -> String {
    if deliveries.is_empty() {
        return "every event was delivered".into();
    }
    let heading = ["ID", "STATE", "EVENT", "EMITTED (UTC)", "ATTEMPTS", "LAST ERROR"];
    let row = |delivery: &Delivery| {
        let error = delivery.error.clone().unwrap_or_else(|| NOTHING.into());
        let attempts = delivery.attempts.to_string();
        [
            delivery.id.clone(),
            delivery.state.clone(),
            delivery.function.clone(),
            utc(&delivery.emitted_at),
            attempts,
            error,
        ]
    };
    print::list(heading, deliveries, row, |column| column == 4)
}
