//! `switchyard logs`: what components and the host logged, once or until ctrl-c.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Write};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::cli::arguments::Logs;
use crate::cli::client::http;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::format::{NOTHING, utc};
use crate::cli::output::print;

/// How often a follower asks for new lines.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The lines of components.
const GUEST: &str = "switchyard::guest";

/// Members of a line that its text shows in columns, or that say nothing to a reader.
const SHOWN: [&str; 7] = ["timestamp", "level", "target", "service", "message", "spans", "span"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogPage {
    items: Vec<Value>,
    next_cursor: String,
}

pub(in crate::cli) fn run(target: &Target, command: &Logs) -> Result<(), Failure> {
    let interrupted = async {
        // If no handler could be installed, ctrl-c ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    let mut stdout = std::io::stdout().lock();
    http::runtime()?.block_on(async {
        tokio::select! {
            shown = show(target, command, &mut stdout) => shown,
            () = interrupted => Ok(()),
        }
    })
}

/// Shows the newest lines, and then new ones if the command follows.
async fn show(target: &Target, command: &Logs, out: &mut dyn Write) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let page = match page(target, command, after.as_deref()).await {
            // A host that restarts has its log afterwards too.
            Err(failure) if failure.kind == Kind::Unreachable && after.is_some() => {
                tokio::time::sleep(ASK_EVERY).await;
                continue;
            }
            page => page?,
        };
        let is_last = page.items.is_empty();
        for item in &page.items {
            let line = if command.host.json { item.to_string() } else { text(item) };
            match print::write(out, &format!("{}\n", print::printable(&line))) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(Failure::new(Kind::Refused, error)),
            }
        }
        if !command.follow {
            return Ok(());
        }
        after = Some(page.next_cursor);
        if is_last {
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

async fn page(target: &Target, command: &Logs, after: Option<&str>) -> Result<LogPage, Failure> {
    let request = Request::get(&["logs"])
        .query("service", command.service.iter())
        .query("request", command.request.iter())
        .query("limit", [command.limit])
        .query("after", after);
    request.exchange(target).await?.accepted(command.host.json)?.read()
}

/// The last lines that components printed while they answered the request `id`.
pub(in crate::cli) fn printed_by_guests(target: &Target, id: &str, limit: usize) -> Vec<String> {
    let answer = Request::get(&["logs"]).query("request", [id]).send(target);
    // The log explains a failure. Its own failure, such as a token that may not read it, must not hide that one.
    let page = answer.and_then(|answer| answer.accepted(false)?.read::<LogPage>()).map(|page| page.items);
    let of_guest = |item: &&Value| item.get("target").and_then(Value::as_str) == Some(GUEST);
    let lines = page.unwrap_or_default();
    let lines: Vec<_> = lines.iter().filter(of_guest).map(|item| member(item, "message").to_owned()).collect();
    let lines: Vec<_> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
    lines.into_iter().rev().take(limit).rev().collect()
}

/// A line of the log for people.
fn text(item: &Value) -> String {
    let mut line = format!(
        "{}  {:<5}  {}  {}",
        utc(member(item, "timestamp")),
        member(item, "level"),
        if member(item, "service").is_empty() { NOTHING } else { member(item, "service") },
        member(item, "message")
    );
    for (name, value) in item.as_object().into_iter().flatten().filter(|(name, _)| !SHOWN.contains(&name.as_str())) {
        match value {
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => line.push_str(&format!("  {name}={text}")),
            value => line.push_str(&format!("  {name}={value}")),
        }
    }
    line
}

fn member<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}
