use serde_json::Value;

use super::*;
use crate::cli::arguments;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};

fn run_line(host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
    let arguments::Command::Token(command) = parsed(line) else { panic!("{line}") };
    host.run(|target| run(target, &command))
}

#[test]
fn a_token_is_shown_when_it_is_made() {
    let check = |line: &str, sent: Value, said: &str| {
        let mut answer = sent.clone();
        answer["token"] = "5ec2e7".into();
        let (outcome, seen) = run_line(FakeHost::new().answer(201, answer), line);
        assert_eq!(outcome.expect("a token"), said);
        assert_eq!((lines(&seen), seen[0].json()), (vec!["POST /tokens"], sent));
    };
    check(
        "switchyard token add ci --role deployer --service cart --service inventory",
        json!({"name": "ci", "role": "deployer", "services": ["cart", "inventory"]}),
        "5ec2e7\n  the token of ci: deployer, cart, inventory; it is shown only now; use it as SWITCHYARD_ADMIN_TOKEN",
    );
    check(
        "switchyard token add ann --role admin",
        json!({"name": "ann", "role": "admin"}),
        "5ec2e7\n  the token of ann: admin, all services; it is shown only now; use it as SWITCHYARD_ADMIN_TOKEN",
    );
}

#[test]
fn tokens_are_a_table_and_can_be_revoked() {
    let items = json!({"items": [
        {"name": "ci", "role": "deployer", "services": ["cart"], "createdAt": "2026-01-02T03:04:05Z",
         "lastUsedAt": "2026-01-03T03:04:05Z"},
        {"name": "ann", "role": "admin", "services": [], "createdAt": "2026-01-02T03:04:05Z"},
    ]});
    let expected = "\
NAME  ROLE      FOR           MADE (UTC)           LAST USED (UTC)
ci    deployer  cart          2026-01-02 03:04:05  2026-01-03 03:04:05
ann   admin     all services  2026-01-02 03:04:05  -";
    let (outcome, seen) = run_line(FakeHost::new().answer(200, items), "switchyard token list");
    assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (expected, vec!["GET /tokens"]));

    let (outcome, seen) = run_line(FakeHost::new().raw("HTTP/1.1 204 -\r\n\r\n"), "switchyard token revoke a/b");
    assert_eq!(outcome.expect("revoked"), "the token of a/b is revoked");
    assert_eq!(lines(&seen), ["DELETE /tokens/a%2Fb"]);
}
