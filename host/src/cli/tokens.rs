//! `switchyard token`: who may operate the host.

use serde_json::json;

use super::arguments::{Role, Token as Command, TokenAction};
use super::documents::{Items, Token};
use super::failure::Outcome;
use super::figures::{NOTHING, utc};
use super::output;
use super::request::Request;
use super::target::Target;
use crate::config::TOKEN_VARIABLE;

pub(super) fn run(target: &Target, command: &Command) -> Outcome {
    match &command.action {
        TokenAction::Add { name, role, service } => add(name, *role, service).send(target)?.told(command.json, made),
        TokenAction::List => {
            let answer = Request::get(&["tokens"]).send(target)?;
            answer.told(command.json, |tokens: &Items<Token>| table(&tokens.items))
        }
        TokenAction::Revoke { name } => {
            let answer = Request::delete(&["tokens", name]).send(target)?.accepted(command.json)?;
            // There is nothing to print of an answer without a body.
            Ok(if command.json { answer.text() } else { format!("the token of {name} opens nothing any more") })
        }
    }
}

fn add(name: &str, role: Role, services: &[String]) -> Request {
    let mut order = json!({"name": name, "role": role.name()});
    if let (Some(order), false) = (order.as_object_mut(), services.is_empty()) {
        order.insert("services".into(), json!(services));
    }
    Request::post(&["tokens"]).json(&order)
}

fn made(token: &Token) -> String {
    let secret = token.token.as_deref().unwrap_or(NOTHING);
    let for_services = services(token);
    let Token { name, role, .. } = token;
    format!("{secret}\n  the token of {name}: {role}, {for_services}; shown this once, used as {TOKEN_VARIABLE}")
}

fn services(token: &Token) -> String {
    if token.services.is_empty() { "all services".into() } else { token.services.join(", ") }
}

fn table(tokens: &[Token]) -> String {
    let heading = ["NAME", "ROLE", "FOR", "MADE (UTC)", "LAST USED (UTC)"].map(str::to_owned).to_vec();
    let time = |time: &Option<String>| time.as_deref().map_or(NOTHING.into(), utc);
    let row = |token: &Token| {
        let Token { name, role, created_at, last_used_at, .. } = token;
        vec![name.clone(), role.clone(), services(token), time(created_at), time(last_used_at)]
    };
    let rows: Vec<_> = std::iter::once(heading).chain(tokens.iter().map(row)).collect();
    output::table(&rows, |_| false)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::arguments;
    use super::super::fake_host::{FakeHost, Seen, lines, parsed};
    use super::*;

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
            "5ec2e7\n  the token of ci: deployer, cart, inventory; shown this once, used as SWITCHYARD_ADMIN_TOKEN",
        );
        check(
            "switchyard token add ann --role admin",
            json!({"name": "ann", "role": "admin"}),
            "5ec2e7\n  the token of ann: admin, all services; shown this once, used as SWITCHYARD_ADMIN_TOKEN",
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
        assert_eq!(outcome.expect("revoked"), "the token of a/b opens nothing any more");
        assert_eq!(lines(&seen), ["DELETE /tokens/a%2Fb"]);
    }
}
