//! The first difference between two runs of one call, without any text that customers typed.

use super::replay::Divergence;
use crate::call::engine::answer::Answer;
use crate::contract::Function;
use crate::observe::Difference;
use crate::runtime::Failure;
use crate::store::Effects;
use crate::value::{self, NOTHING, first_difference};

/// The answer and the writes of a run.
#[derive(Debug)]
pub(in crate::call) struct RunEffects {
    pub(in crate::call) answer: Answer,
    pub(in crate::call) effects: Effects,
}

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

fn answers(function: &Function, live: &Answer, candidate: &Answer) -> Option<value::Difference> {
    let (ty, live, candidate) = match (live, candidate) {
        (Answer::Ok(live), Answer::Ok(candidate)) => (function.ok.as_ref(), live, candidate),
        (Answer::Err(live), Answer::Err(candidate)) => (function.err.as_ref(), live, candidate),
        (Answer::Ok(_), Answer::Err(_)) => return Some((String::new(), "ok".into(), "an error".into())),
        (Answer::Err(_), Answer::Ok(_)) => return Some((String::new(), "an error".into(), "ok".into())),
    };
    if live == candidate {
        return None;
    }
    Some(first_difference(ty, live.as_ref(), candidate.as_ref()))
}

fn effects(live: &Effects, candidate: &Effects) -> Option<value::Difference> {
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
