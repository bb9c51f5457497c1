//! The first difference between two runs of one call, without any text that customers typed.

use super::replay::Divergence;
use crate::call::engine::answer::Answer;
use crate::contract::Function;
use crate::observe::Difference;
use crate::runtime::Failure;
use crate::store::Effects;
use crate::value::{self, NOTHING, first_visible_difference, opaque_texts};

/// The answer and the writes of a run.
#[derive(Debug)]
pub(in crate::call) struct RunEffects {
    pub(in crate::call) answer: Answer,
    pub(in crate::call) effects: Effects,
}

/// The first difference between a live run and a candidate's run of the same call; `None` when they did the same.
/// Writes count only if the answer keeps them.
///
/// Values of opaque fields may differ. Where they do, and where the releases store their data in different formats
/// (`same_format` is false), the entries cannot be compared: then both must write something, or nothing.
pub(in crate::call) fn difference(
    function: &Function,
    live: &RunEffects,
    candidate: Result<RunEffects, Failure>,
    divergence: Option<Divergence>,
    same_format: bool,
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
    let generated = Generated::of(function, live, &candidate);
    let (live, candidate) = (&live.effects, &candidate.effects);
    let writes = match same_format && generated.is_same() {
        true => writes(live, candidate),
        false => any_writes(live, candidate),
    };
    let (path, live, candidate) = writes.or_else(|| events(live, candidate, &generated))?;
    found(path, live, candidate)
}

/// The texts of the opaque fields in two answers: both releases may write them to other places.
struct Generated<'e> {
    live: Vec<&'e str>,
    candidate: Vec<&'e str>,
}

impl<'e> Generated<'e> {
    fn of(function: &Function, live: &'e RunEffects, candidate: &'e RunEffects) -> Self {
        let texts = |run: &'e RunEffects| {
            let mut texts = Vec::new();
            let (ty, value) = match &run.answer {
                Answer::Ok(value) => (function.ok.as_ref(), value),
                Answer::Err(value) => (function.err.as_ref(), value),
            };
            opaque_texts(ty, value.as_ref(), &mut |text| texts.push(text));
            texts
        };
        Self { live: texts(live), candidate: texts(candidate) }
    }

    fn is_same(&self) -> bool {
        self.live == self.candidate
    }

    /// Whether two payloads of events are the same, apart from these texts.
    fn are_same(&self, live: &[u8], candidate: &[u8]) -> bool {
        if live == candidate {
            return true;
        }
        let without = |payload: &[u8], texts: &[&str]| {
            let payload = String::from_utf8_lossy(payload).into_owned();
            texts.iter().filter(|text| !text.is_empty()).fold(payload, |payload, text| payload.replace(text, "*"))
        };
        !self.is_same() && without(live, &self.live) == without(candidate, &self.candidate)
    }
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
    first_visible_difference(ty, live.as_ref(), candidate.as_ref())
}

fn any_writes(live: &Effects, candidate: &Effects) -> Option<value::Difference> {
    let any = |effects: &Effects| if effects.writes.is_empty() { NOTHING } else { "something" };
    let (live, candidate) = (any(live), any(candidate));
    (live != candidate).then(|| ("store".into(), live.into(), candidate.into()))
}

fn writes(live: &Effects, candidate: &Effects) -> Option<value::Difference> {
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
    None
}

fn events(live: &Effects, candidate: &Effects, generated: &Generated<'_>) -> Option<value::Difference> {
    let event = |event: Option<&crate::store::Event>| match event {
        Some(event) => format!("{}#{}, {} bytes", event.interface, event.function, event.payload.len()),
        None => NOTHING.into(),
    };
    let count = live.events.len().max(candidate.events.len());
    (0..count).find_map(|index| {
        let (one, other) = (live.events.get(index), candidate.events.get(index));
        let is_same = match (one, other) {
            (Some(one), Some(other)) => {
                (&one.interface, &one.function) == (&other.interface, &other.function)
                    && generated.are_same(&one.payload, &other.payload)
            }
            _ => one.is_none() && other.is_none(),
        };
        (!is_same).then(|| (format!("events/{index}"), event(one), event(other)))
    })
}

#[cfg(test)]
mod tests;
