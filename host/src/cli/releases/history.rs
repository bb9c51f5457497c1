//! `switchyard history`: the changes, newest first: what, when, by whom and why.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::cli::arguments::History;
use crate::cli::client::documents::{HistoryEntry, Problem};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::{NOTHING, counted, moved, utc};
use crate::cli::output::print;

/// Maximum entries of one request, because both ends hold a page in memory.
const PAGE_ENTRIES_MAX: u64 = 200;

pub(in crate::cli) fn run(target: &Target, command: &History) -> Outcome {
    let (items, cursor) = pages(target, command)?;
    if command.host.json {
        let mut page = json!({"items": items});
        if let (Some(page), Some(cursor)) = (page.as_object_mut(), cursor) {
            page.insert("nextCursor".into(), cursor.into());
        }
        return Ok(page.to_string());
    }
    let entries: Result<Vec<HistoryEntry>, _> = items.into_iter().map(serde_json::from_value).collect();
    Ok(text(&entries.map_err(unknown)?))
}

/// The requested number of entries, and the cursor for the next ones.
fn pages(target: &Target, command: &History) -> Result<(Vec<Value>, Option<String>), Failure> {
    let (mut items, mut cursor) = (Vec::new(), None);
    let mut wanted = command.limit;
    while wanted > 0 {
        let request = Request::get(&["history"])
            .query("service", command.service.iter())
            .query("limit", [wanted.min(PAGE_ENTRIES_MAX)])
            .query("cursor", cursor.take());
        let page: Page = request.send(target)?.accepted(command.host.json)?.read()?;
        let count = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
        wanted = wanted.saturating_sub(count);
        items.extend(page.items);
        cursor = page.next_cursor;
        // An empty page must not be requested forever.
        if cursor.is_none() || count == 0 {
            break;
        }
    }
    Ok((items, cursor))
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

fn unknown(error: serde_json::Error) -> Failure {
    let what = "this version does not understand the answer of the host";
    Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what))
}

fn text(entries: &[HistoryEntry]) -> String {
    let heading = ["TIME (UTC)", "WHO", "SERVICE", "WHAT", "RELEASE", "REASON"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(entries.iter().map(row)).collect();
    let table = print::table(&rows, |_| false);
    let mut lines = table.lines();
    let mut render: Vec<_> = lines.next().map(str::to_owned).into_iter().collect();
    for (line, entry) in lines.zip(entries) {
        render.push(line.to_owned());
        render.extend(details(entry));
    }
    render.join("\n")
}

fn row(entry: &HistoryEntry) -> Vec<String> {
    let moved = moved(entry.from.as_deref(), entry.to.as_deref());
    let service = entry.service.as_deref().unwrap_or(NOTHING);
    // A reason may have several lines, but an entry has one.
    let reason: Vec<_> = entry.reason.iter().flat_map(|reason| reason.split_whitespace()).collect();
    vec![utc(&entry.at), entry.who.clone(), service.into(), entry.what.clone(), moved, reason.join(" ")]
}

/// Why a deploy was refused, or the figures that decided about a candidate.
fn details(entry: &HistoryEntry) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(verdict) = entry.verdict.as_ref().filter(|verdict| !verdict.accepted) {
        let failed = verdict.checks.iter().filter(|check| !check.passed);
        lines.extend(failed.map(|check| format!("    {}: {}", check.name, check.detail)));
        lines.extend(verdict.problems.iter().map(problem));
        if verdict.problems_more > 0 {
            lines.push(format!("    and {} more", counted(verdict.problems_more, "problem")));
        }
    }
    // The reason of the host's own decisions is the text of their figures.
    let figures = entry.figures.iter().map(|figures| &figures.text);
    let others = figures.filter(|text| !text.is_empty() && entry.reason.as_ref() != Some(text));
    lines.extend(others.map(|text| format!("    {text}")));
    lines
}

fn problem(problem: &Problem) -> String {
    let Problem { path, expected, found, .. } = problem;
    format!("    {path}: expected {expected}, found {found}")
}
