//! `switchyard intents`: lists unfinished calls by age, and retries one or gives it up.

#[cfg(test)]
mod tests;

use crate::cli::arguments::{IntentAction, Intents};
use crate::cli::client::documents::{Intent, Items};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::{NOTHING, counted, period, short_id};
use crate::cli::output::print;

/// `confirm` asks the operator a question, unless its second argument says that it is already answered.
pub(in crate::cli) fn run(
    target: &Target,
    command: &Intents,
    confirm: impl FnOnce(&str, bool) -> Result<(), Failure>,
) -> Outcome {
    match &command.action {
        None => {
            let answer = Request::get(&["intents"]).send(target)?;
            answer.render(command.host.json, |intents: &Items<Intent>| table(&intents.items))
        }
        Some(IntentAction::Retry { id, live }) => {
            let intent = find_intent(target, id)?;
            let request = Request::post(&["intents", &intent.id, "retry"]).flag("live", *live);
            let on = if *live { ", on the live releases from now on" } else { "" };
            request.send(target)?.render(command.host.json, |intent| format!("{} runs again{on}", name(intent)))
        }
        Some(IntentAction::GiveUp { id, reason, yes }) => {
            let intent = find_intent(target, id)?;
            confirm(&question(&intent), *yes)?;
            let request = Request::post(&["intents", &intent.id, "give-up"]).query("reason", [reason]);
            request.send(target)?.render(command.host.json, |intent| format!("{} is given up", name(intent)))
        }
    }
}

fn question(intent: &Intent) -> String {
    let age = period(intent.age_ms);
    format!(
        "Give up {}, begun {age} ago? It does not run again. Its effects, in its own service and elsewhere, stay as they are, \
         neither finished nor undone.",
        name(intent)
    )
}

fn name(intent: &Intent) -> String {
    let Intent { id, service, function, .. } = intent;
    format!("{service} {function} ({})", short_id(id))
}

/// The only open intent whose id begins with `begin`.
fn find_intent(target: &Target, begin: &str) -> Result<Intent, Failure> {
    let all: Items<Intent> = Request::get(&["intents"]).send(target)?.accepted(false)?.read()?;
    let mut found: Vec<_> = all.items.into_iter().filter(|intent| intent.id.starts_with(begin)).collect();
    let next = "`switchyard intents` lists the open intents.";
    match (found.pop(), found.len()) {
        (Some(only), 0) if !begin.is_empty() => Ok(only),
        (None, _) => Err(Failure::text(Kind::Refused, format!("no open intent begins with {begin}")).next(next)),
        (Some(_), others) => {
            let intents = counted(others as u64 + 1, "open intent");
            Err(Failure::text(Kind::Refused, format!("{intents} begin with {begin:?}: say more of the id")).next(next))
        }
    }
}

fn table(intents: &[Intent]) -> String {
    if intents.is_empty() {
        return "no open intents".into();
    }
    let heading = ["ID", "SERVICE", "FUNCTION", "AGE", "ATTEMPTS", "NEXT", "LAST ERROR"];
    let row = |intent: &Intent| {
        let next = match (intent.running, intent.due_in_ms) {
            (true, _) => "runs now".into(),
            (false, 0) => "at once".into(),
            (false, due_in_ms) => format!("in {}", period(due_in_ms)),
        };
        let error = intent.last_error.as_deref().unwrap_or(NOTHING);
        let (id, age, attempts) = (short_id(&intent.id), period(intent.age_ms), intent.attempts.to_string());
        [id, intent.service.clone(), intent.function.clone(), age, attempts, next, error.into()]
    };
    print::list(heading, intents, row, |column| matches!(column, 3 | 4))
}
