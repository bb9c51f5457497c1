use serde_json::json;

use super::*;

#[test]
fn a_difference_stands_below_its_function_and_is_cut() {
    let long = "ä".repeat(100);
    let shadow: Shadow = serde_json::from_value(json!({
        "share": 0.5, "compared": 12, "equal": 10, "different": 2, "dropped": 3,
        "functions": [
            {"function": "get", "equal": 9, "different": 0},
            {"function": "checkout", "equal": 1, "different": 2},
        ],
        "differences": [
            {"function": "checkout", "path": "/lines/0/price", "live": 5, "candidate": "5"},
            {"function": "checkout", "path": "", "live": {"ok": true}, "candidate": long},
        ],
    }))
    .expect("a report");
    let expected = format!(
        "\
shadow: 12 calls compared, 10 equal, 2 different, 3 dropped
  get: 9 equal, 0 different
  checkout: 1 equal, 2 different
    /lines/0/price: live 5, candidate \"5\"
    the answer: live {{\"ok\":true}}, candidate \"{}…",
        "ä".repeat(59)
    );
    assert_eq!(lines(&shadow).join("\n"), expected);
}

#[test]
fn calls_that_found_the_copy_behind_are_told_apart() {
    let shadow: Shadow = serde_json::from_value(json!({"compared": 2, "equal": 2, "behind": 9})).expect("a report");
    let expected =
        "shadow: 2 calls compared, 2 equal, 0 different, 0 dropped, 9 not compared because the copy was behind";
    assert_eq!(lines(&shadow), [expected]);
}
