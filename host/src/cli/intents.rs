//! `switchyard intents`: calls that were begun and have not ended, in the order of their age; and what is done with one.

use super::arguments::{IntentAction, Intents};
use super::documents::{Intent, Items};
use super::failure::{Failure, Kind, Outcome};
use super::figures::{NOTHING, counted, period, short_id};
use super::output;
use super::request::Request;
use super::target::Target;

/// `confirm` agrees to the question that it is asked, or is told that it is answered.
pub(super) fn run(
    target: &Target,
    command: &Intents,
    confirm: impl FnOnce(&str, bool) -> Result<(), Failure>,
) -> Outcome {
    match &command.action {
        None => {
            let answer = Request::get(&["intents"]).send(target)?;
            answer.told(command.json, |intents: &Items<Intent>| table(&intents.items))
        }
        Some(IntentAction::Retry { id, live }) => {
            let intent = found(target, id)?;
            let request = Request::post(&["intents", &intent.id, "retry"]).flag("live", *live);
            let on = if *live { ", on the live releases from now on" } else { "" };
            request.send(target)?.told(command.json, |intent| format!("{} is made again{on}", name(intent)))
        }
        Some(IntentAction::GiveUp { id, reason, yes }) => {
            let intent = found(target, id)?;
            confirm(&question(&intent), *yes)?;
            let request = Request::post(&["intents", &intent.id, "give-up"]).query("reason", [reason]);
            request.send(target)?.told(command.json, |intent| format!("{} is given up", name(intent)))
        }
    }
}

fn question(intent: &Intent) -> String {
    let age = period(intent.age_ms);
    format!(
        "Give up {}, begun {age} ago? It is not made again: what it did in its own service and elsewhere stays as it is, \
         neither finished nor undone.",
        name(intent)
    )
}

fn name(intent: &Intent) -> String {
    let Intent { id, service, function, .. } = intent;
    format!("{service} {function} ({})", short_id(id))
}

/// The open intent whose id begins with `begin`.
fn found(target: &Target, begin: &str) -> Result<Intent, Failure> {
    let all: Items<Intent> = Request::get(&["intents"]).send(target)?.accepted(false)?.read()?;
    let mut found: Vec<_> = all.items.into_iter().filter(|intent| intent.id.starts_with(begin)).collect();
    let next = "`switchyard intents` shows which are open.";
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
    let heading = ["ID", "SERVICE", "FUNCTION", "AGE", "ATTEMPTS", "NEXT", "LAST ERROR"].map(str::to_owned).to_vec();
    let row = |intent: &Intent| {
        let next = match (intent.running, intent.due_in_ms) {
            (true, _) => "runs now".into(),
            (false, 0) => "at once".into(),
            (false, due_in_ms) => format!("in {}", period(due_in_ms)),
        };
        let error = intent.last_error.as_deref().unwrap_or(NOTHING);
        let (id, age, attempts) = (short_id(&intent.id), period(intent.age_ms), intent.attempts.to_string());
        vec![id, intent.service.clone(), intent.function.clone(), age, attempts, next, error.into()]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(intents.iter().map(row)).collect();
    output::table(&rows, |column| matches!(column, 3 | 4))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::arguments::Command;
    use super::super::fake_host::{FakeHost, Seen, lines, parsed};
    use super::*;

    /// Ids of two open intents: they part at the fourth digit.
    fn ids() -> [String; 2] {
        ["0a1", "0a2"].map(|begin| format!("{begin:0<32}"))
    }

    fn intents() -> serde_json::Value {
        let [one, other] = ids();
        json!({"items": [
            {"id": one, "service": "cart", "function": "checkout", "ageMs": 7_384_000, "attempts": 12, "dueInMs": 59_001,
             "lastError": "payment failed", "running": false, "onLive": false, "request": "r", "begunAt": "t"},
            {"id": other, "service": "shipping", "function": "ship", "ageMs": 12, "attempts": 0, "dueInMs": 0,
             "running": true},
        ]})
    }

    fn run_line(host: FakeHost, line: &str, agrees: bool) -> (Outcome, Vec<Seen>) {
        let Command::Intents(command) = parsed(line) else { panic!("{line}") };
        host.run(|target| {
            run(target, &command, |question, yes| match agrees || yes {
                true => Ok(()),
                false => Err(Failure::text(Kind::Refused, question)),
            })
        })
    }

    #[test]
    fn open_intents_are_a_table() {
        let (outcome, seen) = run_line(FakeHost::new().answer(200, intents()), "switchyard intents", true);
        let expected = "\
ID            SERVICE   FUNCTION       AGE  ATTEMPTS  NEXT      LAST ERROR
0a1000000000  cart      checkout  2h 3m 4s        12  in 59s    payment failed
0a2000000000  shipping  ship            0s         0  runs now  -";
        assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (expected, vec!["GET /intents"]));
        let none = json!({"items": []});
        let check = |line: &str, said: &str| {
            assert_eq!(run_line(FakeHost::new().answer(200, &none), line, true).0.expect("a success"), said);
        };
        check("switchyard intents", "no open intents");
        check("switchyard intents --json", &none.to_string());
    }

    #[test]
    fn an_intent_is_made_again_by_as_much_of_its_id_as_tells_it_from_others() {
        let [one, other] = ids();
        let check = |said: &str, asked: String, told: &str| {
            let intent = json!({"id": one, "service": "cart", "function": "checkout"});
            let host = FakeHost::new().answer(200, intents()).answer(200, intent);
            let (outcome, seen) = run_line(host, &format!("switchyard intents retry {said}"), false);
            assert_eq!(outcome.expect("a success"), told);
            assert_eq!(lines(&seen), ["GET /intents", &asked]);
        };
        check("0a1", format!("POST /intents/{one}/retry"), "cart checkout (0a1000000000) is made again");
        check(&other, format!("POST /intents/{other}/retry"), "cart checkout (0a1000000000) is made again");
        let live = "cart checkout (0a1000000000) is made again, on the live releases from now on";
        check("0a1 --live", format!("POST /intents/{one}/retry?live=true"), live);

        let check = |said: &str, error: &str| {
            let line = format!("switchyard intents retry {said}");
            let (outcome, seen) = run_line(FakeHost::new().answer(200, intents()), &line, false);
            let next = "`switchyard intents` shows which are open.";
            assert_eq!(outcome.expect_err("a refusal").to_string(), format!("error: {error}\n{next}"));
            assert_eq!(lines(&seen), ["GET /intents"]);
        };
        check("0a", "2 open intents begin with \"0a\": say more of the id");
        check("0b", "no open intent begins with 0b");
    }

    #[test]
    fn an_intent_is_given_up_only_when_that_is_confirmed() {
        let [one, _] = ids();
        let given_up = format!("POST /intents/{one}/give-up?reason=refunded");
        let check = |line: &str, agrees: bool, said: Result<&str, &str>, asked: &[&str]| {
            let intent = json!({"id": one, "service": "cart", "function": "checkout"});
            let host = FakeHost::new().answer(200, intents()).answer(200, intent);
            let (outcome, seen) = run_line(host, line, agrees);
            let outcome = outcome.map_err(|failure| failure.to_string());
            assert_eq!(outcome.as_deref().map_err(String::as_str), said);
            assert_eq!(lines(&seen), asked);
        };
        let line = "switchyard intents give-up 0a1 --reason refunded";
        let done = Ok("cart checkout (0a1000000000) is given up");
        check(line, true, done, &["GET /intents", &given_up]);
        check(&format!("{line} --yes"), false, done, &["GET /intents", &given_up]);
        let question = "error: Give up cart checkout (0a1000000000), begun 2h 3m 4s ago? It is not made again: what it did in \
                        its own service and elsewhere stays as it is, neither finished nor undone.";
        check(line, false, Err(question), &["GET /intents"]);
    }
}
