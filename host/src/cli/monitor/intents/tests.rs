use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};

/// Ids of two open intents, different from the fourth digit on.
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
    let check = |said: &str, asked: String, render: &str| {
        let intent = json!({"id": one, "service": "cart", "function": "checkout"});
        let host = FakeHost::new().answer(200, intents()).answer(200, intent);
        let (outcome, seen) = run_line(host, &format!("switchyard intents retry {said}"), false);
        assert_eq!(outcome.expect("a success"), render);
        assert_eq!(lines(&seen), ["GET /intents", &asked]);
    };
    check("0a1", format!("POST /intents/{one}/retry"), "cart checkout (0a1000000000) runs again");
    check(&other, format!("POST /intents/{other}/retry"), "cart checkout (0a1000000000) runs again");
    let live = "cart checkout (0a1000000000) runs again, on the live releases from now on";
    check("0a1 --live", format!("POST /intents/{one}/retry?live=true"), live);

    let check = |said: &str, error: &str| {
        let line = format!("switchyard intents retry {said}");
        let (outcome, seen) = run_line(FakeHost::new().answer(200, intents()), &line, false);
        let next = "`switchyard intents` lists the open intents.";
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
    let question = "error: Give up cart checkout (0a1000000000), begun 2h 3m 4s ago? It does not run again. Its effects, \
                        in its own service and elsewhere, stay as they are, neither finished nor undone.";
    check(line, false, Err(question), &["GET /intents"]);
}
