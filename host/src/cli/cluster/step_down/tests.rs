use serde_json::{Value, json};

use super::*;
use crate::cli::client::fake_host::{FakeHost, lines};

fn led_by(leader: Option<&str>, epoch: u64) -> Value {
    json!({"cluster": "main", "leader": leader, "epoch": epoch, "leaseMs": 0, "nodes": []})
}

fn asked(host: FakeHost, json: bool, take_over_max: Duration) -> (Outcome, Vec<String>) {
    let run = |target: &Target| http::runtime().expect("a runtime").block_on(step_down(target, json, take_over_max));
    let (outcome, seen) = host.run(run);
    (outcome, lines(&seen).into_iter().map(str::to_owned).collect())
}

#[test]
fn it_waits_until_another_host_leads() {
    let host = FakeHost::new().answer(202, led_by(Some("a"), 3)).answer(200, led_by(Some("a"), 3));
    let host = host.answer(200, led_by(None, 4)).answer(200, led_by(Some("b"), 4));
    let (outcome, lines) = asked(host, false, Duration::from_secs(60));
    let text = outcome.expect("another host leads");
    assert!(text.starts_with("b leads now, in epoch 4; a led before. It took "), "{text}");
    assert_eq!(lines, ["POST /cluster/step-down", "GET /cluster", "GET /cluster", "GET /cluster"]);
}

#[test]
fn json_is_the_cluster_afterwards() {
    let host = FakeHost::new().answer(202, led_by(Some("a"), 3)).answer(200, led_by(Some("b"), 4));
    assert_eq!(asked(host, true, Duration::from_secs(60)).0.expect("b leads"), led_by(Some("b"), 4).to_string());
}

#[test]
fn it_fails_when_no_other_host_leads() {
    let check = |host: FakeHost, take_over_max: Duration, text: &str| {
        let failure = asked(host, false, take_over_max).0.expect_err("nobody else leads");
        assert_eq!(failure.kind, Kind::Refused, "{failure}");
        assert!(failure.to_string().contains(text) && failure.to_string().contains(NEXT), "{failure}");
    };
    let again = FakeHost::new().answer(202, led_by(Some("a"), 3)).answer(200, led_by(Some("a"), 4));
    check(again, Duration::from_secs(60), "a leads again, in epoch 4: no other host took over");
    let nobody = FakeHost::new().answer(202, led_by(Some("a"), 3)).answer(200, led_by(None, 3));
    check(nobody, Duration::ZERO, "a was asked to lead no more, and no other host leads after");
    let gone = FakeHost::new().answer(202, led_by(Some("a"), 3));
    check(gone, Duration::ZERO, "; the last answer: ");
}
