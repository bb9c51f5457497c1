//! `switchyard history`: what was changed, when, by whom and why, newest first.

use serde_json::{Value, json};

use super::arguments::History;
use super::documents::{HistoryEntry, Problem};
use super::failure::{Failure, Kind, Outcome};
use super::figures::{NOTHING, counted, moved, utc};
use super::output;
use super::request::Request;
use super::target::Target;

/// Entries that one request asks for at most: a page is held in memory at both ends.
const PAGE_ENTRIES_MAX: u64 = 200;

pub(super) fn run(target: &Target, command: &History) -> Outcome {
    let (items, cursor) = pages(target, command)?;
    if command.json {
        let mut page = json!({"items": items});
        if let (Some(page), Some(cursor)) = (page.as_object_mut(), cursor) {
            page.insert("nextCursor".into(), cursor.into());
        }
        return Ok(page.to_string());
    }
    let entries: Result<Vec<HistoryEntry>, _> = items.into_iter().map(serde_json::from_value).collect();
    Ok(text(&entries.map_err(unknown)?))
}

/// As many entries as are wanted, and where the next ones begin.
fn pages(target: &Target, command: &History) -> Result<(Vec<Value>, Option<String>), Failure> {
    let (mut items, mut cursor) = (Vec::new(), None);
    let mut wanted = command.limit;
    while wanted > 0 {
        let request = Request::get(&["history"])
            .query("service", command.service.iter())
            .query("limit", [wanted.min(PAGE_ENTRIES_MAX)])
            .query("cursor", cursor.take());
        let page: Page = request.send(target)?.accepted(command.json)?.read()?;
        let count = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
        wanted = wanted.saturating_sub(count);
        items.extend(page.items);
        cursor = page.next_cursor;
        // A page that brings nothing would be asked for without end.
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
    let what = "the host does not answer as one of this version does";
    Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what))
}

fn text(entries: &[HistoryEntry]) -> String {
    let heading = ["TIME (UTC)", "WHO", "SERVICE", "WHAT", "RELEASE", "REASON"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(entries.iter().map(row)).collect();
    let table = output::table(&rows, |_| false);
    let mut lines = table.lines();
    let mut told: Vec<_> = lines.next().map(str::to_owned).into_iter().collect();
    for (line, entry) in lines.zip(entries) {
        told.push(line.to_owned());
        told.extend(details(entry));
    }
    told.join("\n")
}

fn row(entry: &HistoryEntry) -> Vec<String> {
    let moved = moved(entry.from.as_deref(), entry.to.as_deref());
    let service = entry.service.as_deref().unwrap_or(NOTHING);
    // A reason may have lines; an entry has one.
    let reason: Vec<_> = entry.reason.iter().flat_map(|reason| reason.split_whitespace()).collect();
    vec![utc(&entry.at), entry.who.clone(), service.into(), entry.what.clone(), moved, reason.join(" ")]
}

/// Why a deploy was refused, and by which figures a candidate was promoted or taken out.
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
    let figures = entry.figures.iter().map(|figures| &figures.text).filter(|text| !text.is_empty());
    lines.extend(figures.map(|text| format!("    {text}")));
    lines
}

fn problem(problem: &Problem) -> String {
    let Problem { path, expected, found, .. } = problem;
    format!("    {path}: expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::super::arguments::Command;
    use super::super::fake_host::{FakeHost, Seen, lines, parsed};
    use super::*;

    fn run_line(host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
        let Command::History(command) = parsed(line) else { panic!("{line}") };
        host.run(|target| run(target, &command))
    }

    fn entry(number: u64) -> Value {
        json!({"number": number, "at": "2026-01-02T03:04:05Z", "who": "admin", "service": "cart", "what": "deploy"})
    }

    #[test]
    fn changes_are_a_line_each_and_refusals_say_why() {
        let (from, to) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
        let items = json!([
            {"number": 4, "at": "2026-01-02T03:04:08Z", "who": "host", "service": "cart", "what": "takenOut", "from": to,
             "figures": {"text": "3.1% of 412 calls failed, 0.2% of the live release's"}},
            {"number": 3, "at": "2026-01-02T03:04:07Z", "who": "ci", "service": "cart", "what": "refused", "to": to,
             "verdict": {"accepted": false, "problemsMore": 2,
                "checks": [{"name": "component", "passed": true}, {"name": "contract", "passed": false, "detail": "3 problems"}],
                "problems": [{"path": "shop:cart/cart · add", "expected": "func()", "found": "nothing", "detail": "gone"}]}},
            {"number": 2, "at": "2026-01-02T03:04:06+01:00", "who": "admin", "service": "cart", "what": "deploy",
             "from": from, "to": to, "reason": "faster\ntotals", "verdict": {"accepted": true, "problems": [{"path": "x"}]}},
            {"number": 1, "at": "2026-01-02T03:04:05Z", "who": "admin", "what": "token", "to": "ci"},
        ]);
        let (outcome, seen) = run_line(FakeHost::new().answer(200, json!({"items": items})), "switchyard history");
        let expected = "\
TIME (UTC)           WHO    SERVICE  WHAT      RELEASE                      REASON
2026-01-02 03:04:08  host   cart     takenOut  bbbbbbbbbbbb →
    3.1% of 412 calls failed, 0.2% of the live release's
2026-01-02 03:04:07  ci     cart     refused   → bbbbbbbbbbbb
    contract: 3 problems
    shop:cart/cart · add: expected func(), found nothing
    and 2 problems more
2026-01-02 02:04:06  admin  cart     deploy    aaaaaaaaaaaa → bbbbbbbbbbbb  faster totals
2026-01-02 03:04:05  admin  -        token     → ci";
        assert_eq!(outcome.expect("a history"), expected);
        assert_eq!(lines(&seen), ["GET /history?limit=50"]);
    }

    #[test]
    fn pages_are_put_together_until_there_is_enough() {
        let page = |numbers: std::ops::Range<u64>, cursor: &str| {
            let items: Vec<_> = numbers.map(entry).collect();
            json!({"items": items, "nextCursor": cursor})
        };
        let host = FakeHost::new().answer(200, page(0..200, "a b")).answer(200, page(200..230, "c"));
        let (outcome, seen) = run_line(host, "switchyard history cart --limit 230 --json");
        let asked = ["GET /history?service=cart&limit=200", "GET /history?service=cart&limit=30&cursor=a%20b"];
        assert_eq!(lines(&seen), asked);
        let all: Page = serde_json::from_str(&outcome.expect("a history")).expect("one page");
        assert_eq!(
            (all.items.len(), all.items.last(), all.next_cursor.as_deref()),
            (230, Some(&entry(229)), Some("c"))
        );
    }

    #[test]
    fn the_end_of_the_history_ends_the_pages() {
        let host = FakeHost::new().answer(200, json!({"items": [entry(1)]}));
        let (outcome, seen) = run_line(host, "switchyard history --json");
        assert_eq!((outcome.expect("a history"), seen.len()), (json!({"items": [entry(1)]}).to_string(), 1));
        let host = FakeHost::new().answer(200, json!({"items": [], "nextCursor": "again"}));
        assert_eq!(run_line(host, "switchyard history").1.len(), 1);
    }
}
