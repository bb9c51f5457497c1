use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

#[test]
fn schedules_are_a_table() {
    let Command::Schedules(command) = parsed("switchyard schedules cart") else { panic!("schedules") };
    let schedule = |function: &str, rest: serde_json::Value| {
        let mut schedule = json!({"service": "cart", "function": format!("shop:cart/cart@1#{function}"),
                "everyMs": 90_000, "nextAt": "2026-01-02T03:04:30Z", "failures": 0, "running": false});
        for (key, value) in rest.as_object().expect("members") {
            schedule[key] = value.clone();
        }
        schedule
    };
    let items = [
        schedule("undo-checkouts", json!({"lastAt": "2026-01-02T03:03:00Z"})),
        schedule("tidy", json!({"lastAt": "2026-01-02T03:03:00Z", "error": "cart failed", "failures": 3})),
        schedule("slow", json!({"lastAt": "2026-01-02T03:03:00Z", "running": true})),
        schedule("new", json!({})),
    ];
    let answer = json!({ "items": items });
    let (outcome, seen) = FakeHost::new().answer(200, answer).run(|target| run(target, &command));
    let expected = "\
SERVICE  FUNCTION        EVERY   LAST (UTC)           NEXT (UTC)           STATE
cart     undo-checkouts  1m 30s  2026-01-02 03:03:00  2026-01-02 03:04:30  ok
cart     tidy            1m 30s  2026-01-02 03:03:00  2026-01-02 03:04:30  failed 3 × in a row: cart failed
cart     slow            1m 30s  2026-01-02 03:03:00  2026-01-02 03:04:30  runs
cart     new             1m 30s  -                    2026-01-02 03:04:30  has not run yet";
    assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (expected, vec!["GET /schedules?service=cart"]));
}
