use serde_json::json;

use super::*;
use crate::cli::client::fake_host::{FakeHost, lines};

const DIGEST: &str = "sha256:aa";

fn service(candidate: Option<&str>, live: &str) -> Value {
    let candidate = candidate.map(|digest| json!({"digest": digest, "phase": "canary", "share": 0.1}));
    json!({"name": "cart", "live": {"digest": live}, "candidate": candidate})
}

fn entry(what: &str, from: &str, to: &str, reason: &str) -> Value {
    json!({"at": "", "who": "host", "service": "cart", "what": what, "from": from, "to": to, "reason": reason})
}

fn followed(host: FakeHost, wait: Option<Duration>) -> Outcome {
    let (outcome, seen) = host.run(|target| follow(target, "cart", DIGEST, wait, false));
    assert_eq!(lines(&seen).first(), Some(&"GET /services/cart"));
    outcome
}

#[test]
fn a_deploy_waits_until_its_trial_ends_and_the_exit_code_says_how() {
    let check = |entries: Vec<Value>, live: &str, expected: Result<(), (Kind, &str)>| {
        let host = FakeHost::new().answer(200, service(Some(DIGEST), "sha256:bb"));
        let host = host.answer(200, service(None, live)).answer(200, json!({"items": entries}));
        match (followed(host, None), expected) {
            (Ok(text), Ok(())) => assert!(text.contains(&format!("cart runs {live}")), "{text}"),
            (Err(failure), Err((kind, text))) => {
                assert_eq!(failure.kind, kind, "{failure}");
                assert!(failure.to_string().contains(text), "{failure}");
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    };
    let began = || entry("candidate", "sha256:bb", DIGEST, "");
    check(vec![entry("promote", "sha256:bb", DIGEST, "good"), began()], DIGEST, Ok(()));
    let slow = entry("takenOut", DIGEST, "sha256:bb", "90 % of its calls take longer");
    check(vec![slow, began()], "sha256:bb", Err((Kind::Refused, "taken out by host: 90 % of its calls")));
    let aborted = entry("abort", DIGEST, "sha256:bb", "ugly");
    check(vec![aborted, began()], "sha256:bb", Err((Kind::TrialReplaced, "aborted by host: ugly")));
    // The end of an earlier trial of the same component says nothing.
    let earlier = entry("takenOut", DIGEST, "sha256:bb", "then");
    check(vec![began(), earlier], "sha256:bb", Err((Kind::TrialReplaced, "no reason is in the history")));
    check(vec![], DIGEST, Ok(()));
}

#[test]
fn a_wait_has_an_end_of_its_own_and_outlives_a_restart_of_the_host() {
    let host = FakeHost::new().answer(200, service(Some(DIGEST), "sha256:bb"));
    let failure = followed(host, Some(Duration::ZERO)).expect_err("it is not over");
    assert_eq!(failure.kind, Kind::TrialUndecided);
    let host = FakeHost::new().answer(200, service(Some(DIGEST), "sha256:bb")).raw("");
    let host = host.answer(200, service(None, DIGEST)).answer(200, json!({"items": []}));
    followed(host, None).expect("it is live");
}
