//! `switchyard token`: creates, lists and revokes operator tokens.

#[cfg(test)]
mod tests;

use serde_json::json;

use crate::cli::arguments::{Role, Token as Command, TokenAction};
use crate::cli::client::documents::{Items, Token};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::Outcome;
use crate::cli::output::format::{NOTHING, utc};
use crate::cli::output::print;
use crate::config::TOKEN_VARIABLE;

pub(in crate::cli) fn run(target: &Target, command: &Command) -> Outcome {
    match &command.action {
        TokenAction::Add { name, role, service } => {
            add(name, *role, service).send(target)?.render(command.host.json, created_text)
        }
        TokenAction::List => {
            let answer = Request::get(&["tokens"]).send(target)?;
            answer.render(command.host.json, |tokens: &Items<Token>| table(&tokens.items))
        }
        TokenAction::Revoke { name } => {
            let answer = Request::delete(&["tokens", name]).send(target)?.accepted(command.host.json)?;
            // An answer without a body has nothing to print.
            Ok(if command.host.json { answer.text() } else { format!("the token of {name} is revoked") })
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

fn created_text(token: &Token) -> String {
    let secret = token.token.as_deref().unwrap_or(NOTHING);
    let for_services = services(token);
    let Token { name, role, .. } = token;
    format!("{secret}\n  the token of {name}: {role}, {for_services}; it is shown only now; use it as {TOKEN_VARIABLE}")
}

fn services(token: &Token) -> String {
    if token.services.is_empty() { "all services".into() } else { token.services.join(", ") }
}

fn table(tokens: &[Token]) -> String {
    let heading = ["NAME", "ROLE", "FOR", "MADE (UTC)", "LAST USED (UTC)"];
    let time = |time: &Option<String>| time.as_deref().map_or(NOTHING.into(), utc);
    let row = |token: &Token| {
        let Token { name, role, created_at, last_used_at, .. } = token;
        [name.clone(), role.clone(), services(token), time(created_at), time(last_used_at)]
    };
    print::list(heading, tokens, row, |_| false)
}
