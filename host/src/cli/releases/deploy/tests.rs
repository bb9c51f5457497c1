use std::path::Path;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};
use crate::config::Signature;
use crate::names::Digest;

/// Runs `line`, with `a.wasm` and `b.wasm` replaced by these files in `folder`.
fn run_in(folder: &Path, host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
    let place = |name: &str| folder.join(name).display().to_string();
    for name in ["a.wasm", "b.wasm"] {
        std::fs::write(place(name), name).expect("a component");
    }
    let line = line.replace("a.wasm", &place("a.wasm")).replace("b.wasm", &place("b.wasm"));
    let Command::Deploy(command) = parsed(&line) else { panic!("{line}") };
    host.run(|target| run(target, &command))
}

fn deploy(host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
    let folder = tempfile::tempdir().expect("a folder");
    run_in(folder.path(), host, line)
}

fn digest(name: &str) -> String {
    Digest::of(name.as_bytes()).to_string()
}

fn verdict_of(service: &str, accepted: bool) -> Value {
    let check = json!({"name": "contract", "passed": accepted, "detail": ""});
    json!({"accepted": accepted, "service": service, "digest": digest("a.wasm"), "world": "w", "checks": [check]})
}

fn deployed(unchanged: bool) -> Value {
    json!({"release": {"number": 2, "digest": digest("a.wasm")}, "verdict": verdict_of("cart", true), "unchanged": unchanged})
}

fn cart() -> Value {
    json!({"name": "cart", "live": {"number": 2, "digest": "sha256:bb"}, "kept": [{"number": 1, "digest": "sha256:aa"}]})
}

#[test]
fn options_travel_in_the_query_and_the_component_in_the_body() {
    let check = |options: &str, query: &str| {
        let host = FakeHost::new().answer(200, json!({"verdict": verdict_of("cart", true)}));
        let (outcome, seen) = deploy(host, &format!("switchyard deploy cart a.wasm --dry-run{options}"));
        outcome.expect("accepted");
        assert_eq!(lines(&seen), [format!("POST /services/cart/releases?{query}dryRun=true")]);
        assert_eq!((seen[0].text(), seen[0].header("content-type")), ("a.wasm", Some("application/wasm")));
        assert_eq!(seen[0].header("switchyard-signature"), None);
    };
    check("", "");
    check(" --weight 5%", "weight=5&");
    check(" --shadow", "shadow=100&");
    check(" --shadow 0.5 --header x-cart=next", "header=x-cart%3Dnext&shadow=0.5&");
    check(" --replace", "replace=true&");
    check(" --answers-may-differ --data-compatible", "dataCompatible=true&answersMayDiffer=true&");
    check(" --steps 1%,10%,50% --every 2m", "steps=1%2C10%2C50&every=120&");
    check(" --grant a.example --grant b --reason x&y", "reason=x%26y&grant=a.example&grant=b&");
}

#[test]
fn what_runs_after_a_deploy_is_told_with_the_way_back() {
    let host = FakeHost::new().answer(201, deployed(false)).answer(200, cart());
    let (outcome, seen) = deploy(host, "switchyard deploy cart a.wasm");
    let text = "\
cart runs sha256:bb (release 2)
  before it:     sha256:aa (release 1)
  the way back:  switchyard rollback cart";
    assert_eq!(outcome.expect("deployed"), text);
    assert_eq!(lines(&seen), ["POST /services/cart/releases", "GET /services/cart"]);

    let host = FakeHost::new().answer(200, deployed(true)).answer(200, cart());
    let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm");
    assert_eq!(outcome.expect("deployed"), format!("{text}\n  nothing changed: it was already live"));

    // The deploy counts as done, even if the host cannot report afterwards.
    let (outcome, _) = deploy(FakeHost::new().answer(201, deployed(false)), "switchyard deploy cart a.wasm");
    assert_eq!(outcome.expect("deployed"), format!("cart: {} (release 2) is deployed", digest("a.wasm")));

    let (outcome, _) = deploy(FakeHost::new().answer(201, deployed(false)), "switchyard deploy cart a.wasm --json");
    assert_eq!(outcome.expect("deployed"), deployed(false).to_string());
}

#[test]
fn a_refusal_shows_its_verdict_and_that_nothing_changed() {
    let problem = json!({"title": "Refused", "status": 422, "verdict": verdict_of("cart", false)});
    let (outcome, _) = deploy(FakeHost::new().answer(422, &problem), "switchyard deploy cart a.wasm");
    let failure = outcome.expect_err("a refusal");
    assert_eq!(failure.kind, Kind::Refused);
    assert_eq!(failure.to_string(), format!("error: {} is refused: cart keeps its release", digest("a.wasm")));
    assert!(failure.result.contains("  FAILED  contract\n"), "{}", failure.result);

    let (outcome, _) = deploy(FakeHost::new().answer(422, &problem), "switchyard deploy cart a.wasm --json");
    assert_eq!(outcome.expect_err("a refusal").result, problem.to_string());
    // A dry run answers with a success that contains a refusal.
    let host = FakeHost::new().answer(200, json!({"verdict": verdict_of("cart", false)}));
    let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm --dry-run");
    assert_eq!(outcome.expect_err("a refusal").kind, Kind::Refused);
    // Not every 422 is a verdict.
    let host = FakeHost::new().answer(422, json!({"detail": "weight"}));
    let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm");
    assert!(outcome.expect_err("a refusal").to_string().ends_with(": weight"));
}

#[test]
fn the_signature_beside_a_component_goes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let signature = Signature::new(7, [7; 64]).to_string();
    std::fs::write(folder.path().join("a.wasm.sig"), &signature).expect("a signature");
    let host = FakeHost::new().answer(201, deployed(false));
    let (_, seen) = run_in(folder.path(), host, "switchyard deploy cart a.wasm --json");
    assert_eq!(seen[0].header("switchyard-signature"), Some(signature.as_str()));

    let set = FakeHost::new().answer(201, "{}").answer(201, "{}").answer(201, json!({"releases": {}, "verdicts": {}}));
    let (_, seen) = run_in(folder.path(), set, "switchyard deploy --set cart=a.wasm inventory=b.wasm");
    assert_eq!(seen[2].json()["signatures"], json!({"cart": signature}));
}

#[test]
fn a_set_is_uploaded_and_then_swapped_as_one() {
    let answer = json!({
        "releases": {"cart": {"number": 2, "digest": "sha256:aa"}, "inventory": {"number": 5, "digest": "sha256:bb"}},
        "verdicts": {"cart": verdict_of("cart", true), "inventory": verdict_of("inventory", true)},
    });
    let host = FakeHost::new().answer(201, "{}").answer(200, "{}").answer(201, answer);
    let line = "switchyard deploy --set inventory=b.wasm cart=a.wasm --reason bundles --grant x";
    let (outcome, seen) = deploy(host, line);
    let text = "\
cart runs sha256:aa (release 2)
  the way back:  switchyard rollback cart
inventory runs sha256:bb (release 5)
  the way back:  switchyard rollback inventory";
    assert_eq!(outcome.expect("swapped"), text);
    assert_eq!(lines(&seen), ["PUT /components", "PUT /components", "POST /releases"]);
    assert_eq!([seen[0].text(), seen[1].text()], ["a.wasm", "b.wasm"]);
    let set = json!({"cart": {"digest": digest("a.wasm")}, "inventory": {"digest": digest("b.wasm")}});
    assert_eq!(seen[2].json(), json!({"set": set, "reason": "bundles", "grants": ["x"]}));
}

#[test]
fn the_exit_code_tells_how_a_handover_with_a_shadow_ended() {
    let line = "switchyard deploy cart a.wasm --handover --shadow --wait";
    let live = |name: &str| json!({"name": "cart", "live": {"digest": digest(name)}});
    let begun = || FakeHost::new().answer(201, deployed(false));
    let (outcome, seen) = deploy(begun().answer(200, live("a.wasm")), line);
    assert_eq!(outcome.expect("handed over"), format!("cart runs {}", digest("a.wasm")));
    assert_eq!(lines(&seen), ["POST /services/cart/releases?shadow=100&handover=true", "GET /services/cart"]);

    let why =
        "1 of 3 calls that it repeated on the copy ended differently: get at /0: 1 live, 2 in the new implementation";
    let history = json!({"items": [{"what": "mirrorEnded", "who": "host", "reason": why}]});
    let (outcome, _) = deploy(begun().answer(200, live("b.wasm")).answer(200, history), line);
    let failure = outcome.expect_err("given up");
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.to_string().contains(&format!("the handover of cart was given up: {why}")), "{failure}");

    let mut waits = live("b.wasm");
    waits["mirror"] = json!({
        "release": {"digest": digest("a.wasm")},
        "status": {"phase": "following", "entities": 3},
        "shadow": {"compared": 7, "different": 0, "dropped": 2, "behind": 5},
    });
    let wait = HandoverWait { longest: Some(Duration::ZERO), late: Kind::TrialUndecided };
    let host = FakeHost::new().answer(200, waits);
    let (outcome, _) = host.run(|target| handover::follow(target, "cart", &digest("a.wasm"), wait, false));
    assert_eq!(outcome.expect_err("undecided").kind, Kind::TrialUndecided);
}

#[test]
fn a_set_is_refused_as_one() {
    let verdicts = json!({"cart": verdict_of("cart", true), "inventory": verdict_of("inventory", false)});
    let host = || FakeHost::new().answer(201, "{}").answer(201, "{}");
    let line = "switchyard deploy --set cart=a.wasm inventory=b.wasm";
    let (outcome, _) = deploy(host().answer(422, json!({"verdicts": verdicts})), line);
    let failure = outcome.expect_err("a refusal");
    assert_eq!(failure.to_string(), "error: the set is refused: cart, inventory keep their releases");
    assert!(failure.result.starts_with("refused: "), "{}", failure.result);
    assert!(failure.result.contains("\naccepted: "), "{}", failure.result);

    let (outcome, seen) = deploy(FakeHost::new().answer(507, "{}"), line);
    assert_eq!((outcome.is_err(), lines(&seen)), (true, vec!["PUT /components"]));
}

#[test]
fn a_command_line_that_makes_no_sense_reaches_no_host() {
    for line in [
        "switchyard deploy --set cart=a.wasm cart=b.wasm",
        "switchyard deploy cart a.wasm --steps 10,5",
        "switchyard deploy cart a.wasm --signature none.sig",
        "switchyard deploy cart none.wasm",
    ] {
        let (outcome, seen) = deploy(FakeHost::new().answer(200, "{}"), line);
        assert_eq!((outcome.expect_err(line).kind, seen.len()), (Kind::Usage, 0), "{line}");
    }
}
