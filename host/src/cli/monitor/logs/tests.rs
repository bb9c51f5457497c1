use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

fn line(message: &str) -> Value {
    json!({
        "timestamp": "2026-11-29T19:00:01.5Z", "level": "INFO", "target": GUEST, "service": "cart",
        "request": "r1", "message": message,
    })
}

/// What `line` shows, until the host is gone.
fn shown(host: FakeHost, line: &str) -> (Result<(), Failure>, String, Vec<String>) {
    let Command::Logs(command) = parsed(line) else { panic!("{line}") };
    let mut out = Vec::new();
    let (outcome, seen) = host.run(|target| {
        let shown = async { tokio::time::timeout(Duration::from_secs(3), show(target, &command, &mut out)).await };
        http::runtime().expect("a runtime").block_on(shown).unwrap_or(Ok(()))
    });
    let seen = lines(&seen).into_iter().map(str::to_owned).collect();
    (outcome, String::from_utf8(out).expect("text"), seen)
}

#[test]
fn lines_are_shown_for_people_or_as_they_are() {
    let page = json!({"items": [line("one"), line("two\u{1b}")], "nextCursor": "1.7"});
    let (outcome, text, seen) =
        shown(FakeHost::new().answer(200, &page), "switchyard logs cart --request r1 --limit 7");
    outcome.expect("shown");
    let first = "2026-11-29 19:00:01  INFO   cart  one  request=r1\n";
    assert_eq!(text, format!("{first}{}", first.replace("one", "two\u{fffd}")));
    assert_eq!(seen, ["GET /logs?service=cart&request=r1&limit=7"]);
    let (_, text, _) = shown(FakeHost::new().answer(200, &page), "switchyard logs --json");
    assert_eq!(text.lines().next(), Some(&*line("one").to_string()));
}

#[test]
fn a_follower_goes_on_after_the_last_line() {
    let page = |items: &[Value], cursor: &str| json!({"items": items, "nextCursor": cursor});
    let host = FakeHost::new().answer(200, page(&[line("one")], "1.7")).answer(200, page(&[line("two")], "1.9"));
    let (outcome, text, seen) = shown(host, "switchyard logs --follow");
    outcome.expect("still following");
    assert_eq!(text.lines().count(), 2);
    assert_eq!(seen, ["GET /logs?limit=100", "GET /logs?limit=100&after=1.7"]);
}
