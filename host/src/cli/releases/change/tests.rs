use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};

fn run(host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
    host.run(|target| match parsed(line) {
        Command::Promote(command) => promote(target, &command),
        Command::Abort(command) => abort(target, &command),
        Command::Rollback(command) => rollback(target, &command),
        other => panic!("{other:?}"),
    })
}

fn digest_of(begin: &str) -> String {
    format!("sha256:{begin:0<64}")
}

#[test]
fn a_change_is_asked_for_and_what_runs_then_is_told() {
    let service =
        json!({"name": "cart", "live": {"number": 2, "digest": "sha256:bb"}, "kept": [{"digest": "sha256:aa"}]});
    let check = |line: &str, asked: &str| {
        let (outcome, seen) = run(FakeHost::new().answer(200, &service), line);
        let text =
            "cart runs sha256:bb (release 2)\n  before it:     sha256:aa\n  the way back:  switchyard rollback cart";
        assert_eq!(outcome.expect("a success"), text);
        assert_eq!(lines(&seen), [asked]);
    };
    check("switchyard promote cart", "POST /services/cart/promote");
    check("switchyard abort cart --reason it's", "POST /services/cart/abort?reason=it%27s");
    check("switchyard rollback cart", "POST /services/cart/rollback");
    let full = digest_of("a");
    let asked = format!("POST /services/cart/rollback?reason=r&to=sha256%3Aa{}&force=true", "0".repeat(63));
    check(&format!("switchyard rollback cart --to {full} --force --reason r"), &asked);

    check("switchyard rollback cart --after-intents", "POST /services/cart/rollback?afterIntents=30");
    check("switchyard promote cart --after-intents=2m", "POST /services/cart/promote?afterIntents=120");
    let (outcome, _) = run(FakeHost::new().answer(200, r#"{"as":"it came"}"#), "switchyard promote cart --json");
    assert_eq!(outcome.expect("a success"), r#"{"as":"it came"}"#);
}

#[test]
fn a_digest_may_be_cut_where_one_kept_release_begins_so() {
    let (one, other) = (digest_of("ab1"), digest_of("ab2"));
    let mirror = |begin, was_live| json!({"release": {"digest": digest_of(begin)}, "wasLive": was_live});
    let mut service = json!({"name": "cart", "kept": [{"digest": one}, {"digest": other}, {"digest": one}],
                             "mirror": mirror("d", false)});
    let check = |service: &serde_json::Value, to: &str, said: Result<&str, &str>| {
        let host = FakeHost::new().answer(200, service).answer(200, service);
        let (outcome, seen) = run(host, &format!("switchyard rollback cart --to {to}"));
        let asked = seen.get(1).map(|seen| seen.line.replace("%3A", ":"));
        match (outcome, said) {
            (Ok(_), Ok(begin)) => assert!(asked.is_some_and(|asked| asked.contains(&digest_of(begin))), "{to}"),
            (Err(failure), Err(said)) => {
                assert_eq!((failure.kind, failure.to_string().as_str()), (Kind::Refused, said))
            }
            (outcome, _) => panic!("{to}: {outcome:?}"),
        }
    };
    check(&service, "ab1", Ok("ab1"));
    check(&service, "sha256:ab2", Ok("ab2"));
    let kept = "ab1000000000, ab2000000000.";
    let several = |begin: &str| format!("error: several kept releases of cart begin with {begin}\nSay which: {kept}");
    check(&service, "ab", Err(&several("ab")));
    check(&service, "sha256:", Err(&several("sha256:")));
    let none = |begin: &str| format!("error: no kept release of cart begins with {begin}\nKept are: {kept}");
    check(&service, "c", Err(&none("c")));
    // A handover that has not ended leads to no earlier implementation.
    check(&service, "d", Err(&none("d")));
    service["mirror"] = mirror("d", true);
    check(&service, "d", Ok("d"));
}

#[test]
fn a_rollback_waits_until_the_way_back_of_a_handover_is_open() {
    let problem = json!({"title": "Conflict", "detail": "The copy has not reached the live data yet."});
    let service = |status: serde_json::Value| {
        json!({"name": "cart", "live": {"digest": "sha256:bb"}, "kept": [],
               "mirror": {"release": {"digest": "sha256:aa"}, "wasLive": true, "status": status}})
    };
    let copying = service(json!({"phase": "copying", "entities": 12, "entitiesExpected": 100}));
    let following = service(json!({"phase": "following", "entities": 100}));
    let host = FakeHost::new().answer(409, &problem).answer(200, copying).answer(200, &following);
    let (outcome, seen) = run(host.answer(200, &following), "switchyard rollback cart");
    assert_eq!(outcome.expect("a success"), "cart runs sha256:bb");
    let (back, look) = ("POST /services/cart/rollback", "GET /services/cart");
    assert_eq!(lines(&seen), [back, look, look, back]);
    // A refusal for another reason stays one.
    let host = FakeHost::new().answer(409, &problem).answer(200, following);
    let (outcome, seen) = run(host, "switchyard rollback cart");
    assert!(outcome.expect_err("a refusal").to_string().contains("has not reached"));
    assert_eq!(lines(&seen), [back, look]);
}

#[test]
fn with_nothing_to_do_or_newer_data_the_host_says_so() {
    let problem =
        json!({"title": "Conflict", "detail": "The data has moved on to version 2; `force` goes back all the same."});
    let (outcome, _) = run(FakeHost::new().answer(409, &problem), "switchyard rollback cart --json");
    let failure = outcome.expect_err("a refusal");
    assert_eq!((failure.kind, failure.result.as_str()), (Kind::Refused, problem.to_string().as_str()));
    assert_eq!(
        failure.to_string(),
        "error: 409 Conflict: The data has moved on to version 2; `force` goes back all the same."
    );
}
