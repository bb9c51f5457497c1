use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};

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
        {"number": 5, "at": "2026-01-02T03:04:09Z", "who": "host", "service": "cart", "what": "takenOut", "from": to,
         "reason": "too slow", "figures": {"text": "too slow"}},
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
2026-01-02 03:04:09  host   cart     takenOut  bbbbbbbbbbbb →               too slow
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
    assert_eq!((all.items.len(), all.items.last(), all.next_cursor.as_deref()), (230, Some(&entry(229)), Some("c")));
}

#[test]
fn the_end_of_the_history_ends_the_pages() {
    let host = FakeHost::new().answer(200, json!({"items": [entry(1)]}));
    let (outcome, seen) = run_line(host, "switchyard history --json");
    assert_eq!((outcome.expect("a history"), seen.len()), (json!({"items": [entry(1)]}).to_string(), 1));
    let host = FakeHost::new().answer(200, json!({"items": [], "nextCursor": "again"}));
    assert_eq!(run_line(host, "switchyard history").1.len(), 1);
}
