//! The first difference between two runs of one call, without any text that customers typed.

use serde_json::Value as Json;
use wasmtime::component::Val;

use super::replay::Divergence;
use crate::call::engine::answer::Answer;
use crate::contract::{Function, Type};
use crate::observe::Difference;
use crate::runtime::Failure;
use crate::store::Effects;
use crate::value::Codec;

/// The answer and the writes of a run.
#[derive(Debug)]
pub(in crate::call) struct RunEffects {
    pub(in crate::call) answer: Answer,
    pub(in crate::call) effects: Effects,
}

const NOTHING: &str = "nothing";

/// The first difference between a live run and a candidate's run of the same call; `None` when they did the same.
/// Writes count only if the answer keeps them.
pub(in crate::call) fn difference(
    function: &Function,
    live: &RunEffects,
    candidate: Result<RunEffects, Failure>,
    divergence: Option<Divergence>,
) -> Option<Difference> {
    let found = |path: String, live: String, candidate: String| {
        Some(Difference { function: function.name.wit.to_string(), path, live, candidate })
    };
    if let Some(Divergence { position, live, candidate }) = divergence {
        let name = |called: Option<std::sync::Arc<Function>>| match called {
            Some(called) => format!("{}#{}", called.interface, called.name.wit),
            None => NOTHING.into(),
        };
        let (live, candidate) = (name(live), name(candidate));
        let candidate = if live == candidate { format!("{candidate}, with other arguments") } else { candidate };
        return found(format!("calls/{position}"), live, candidate);
    }
    let candidate = match candidate {
        Ok(candidate) => candidate,
        Err(failure) => return found(String::new(), "an answer".into(), format!("a failure: {}", failure.cause())),
    };
    if let Some((path, live, candidate)) = answers(function, &live.answer, &candidate.answer) {
        return found(path, live, candidate);
    }
    if !live.answer.commits(function) {
        return None;
    }
    let (path, live, candidate) = effects(&live.effects, &candidate.effects)?;
    found(path, live, candidate)
}

type Parts = (String, String, String);

fn answers(function: &Function, live: &Answer, candidate: &Answer) -> Option<Parts> {
    let (ty, live, candidate) = match (live, candidate) {
        (Answer::Ok(live), Answer::Ok(candidate)) => (function.ok.as_ref(), live, candidate),
        (Answer::Err(live), Answer::Err(candidate)) => (function.err.as_ref(), live, candidate),
        (Answer::Ok(_), Answer::Err(_)) => return Some((String::new(), "ok".into(), "an error".into())),
        (Answer::Err(_), Answer::Ok(_)) => return Some((String::new(), "an error".into(), "ok".into())),
    };
    if live == candidate {
        return None;
    }
    let (live, candidate) = (json(ty, live.as_ref()), json(ty, candidate.as_ref()));
    // JSON does not distinguish some values, such as NaN, but they still differ.
    in_json(&live, &candidate, String::new())
        .or_else(|| Some((String::new(), "an answer".into(), "another one".into())))
}

fn json(ty: Option<&Type>, value: Option<&Val>) -> Json {
    let Some((ty, value)) = ty.zip(value) else { return Json::Null };
    let mut bytes = Vec::new();
    match Codec::new(ty).encode(value, &mut bytes) {
        Ok(()) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(error) => Json::String(error.to_string()),
    }
}

/// The first place where two values differ, as a JSON pointer (RFC 6901).
fn in_json(live: &Json, candidate: &Json, path: String) -> Option<Parts> {
    match (live, candidate) {
        (Json::Object(one), Json::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            names.into_iter().find_map(|name| {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                in_json_or_missing(one.get(name), other.get(name), path)
            })
        }
        (Json::Array(one), Json::Array(other)) => (0..one.len().max(other.len()))
            .find_map(|index| in_json_or_missing(one.get(index), other.get(index), format!("{path}/{index}"))),
        _ if live == candidate => None,
        _ => Some((path, shown(live), shown(candidate))),
    }
}

fn in_json_or_missing(live: Option<&Json>, candidate: Option<&Json>, path: String) -> Option<Parts> {
    match (live, candidate) {
        (Some(live), Some(candidate)) => in_json(live, candidate, path),
        (live, candidate) => {
            let text = |value: Option<&Json>| value.map_or_else(|| NOTHING.into(), shown);
            Some((path, text(live), text(candidate)))
        }
    }
}

/// A value without text that may be a secret or a name.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => format!("a text of {} characters", text.chars().count()),
        Json::Array(items) => format!("{} items", items.len()),
        Json::Object(backends) => format!("an object of {} backends", backends.len()),
        plain => plain.to_string(),
    }
}

fn effects(live: &Effects, candidate: &Effects) -> Option<Parts> {
    let value = |value: Option<&Option<bytes::Bytes>>| match value {
        None => "not written".to_owned(),
        Some(None) => "deleted".to_owned(),
        Some(Some(bytes)) => format!("{} bytes", bytes.len()),
    };
    let find = |effects: &Effects, key: &crate::names::Key| {
        effects.writes.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    let keys = live.writes.iter().chain(&candidate.writes).map(|(key, _)| key);
    for key in keys {
        let (one, other) = (find(live, key), find(candidate, key));
        if one != other {
            // The text after the first slash may be somebody's address.
            let kind = key.component_text().and_then(|text| text.split('/').next()).unwrap_or_default();
            let (one, other) = (value(one.as_ref()), value(other.as_ref()));
            let other = if one == other { format!("{other}, but others") } else { other };
            return Some((format!("store/{kind}"), one, other));
        }
    }
    let event = |event: Option<&crate::store::Event>| match event {
        Some(event) => format!("{}#{}, {} bytes", event.interface, event.function, event.payload.len()),
        None => NOTHING.into(),
    };
    let count = live.events.len().max(candidate.events.len());
    (0..count).find_map(|index| {
        let (one, other) = (live.events.get(index), candidate.events.get(index));
        (one != other).then(|| (format!("events/{index}"), event(one), event(other)))
    })
}

#[cfg(test)]
mod tests;
