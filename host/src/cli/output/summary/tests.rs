use serde_json::{Value, json};

use super::*;

fn render(service: Value) -> String {
    text(&serde_json::from_value(service).expect("a service"))
}

#[test]
fn the_way_back_is_told_where_there_is_one() {
    assert_eq!(render(json!({"name": "cart"})), "cart has no live release");
    let mut service = json!({"name": "cart", "live": {"number": 3, "digest": "sha256:cc"}});
    assert_eq!(render(service.clone()), "cart runs sha256:cc (release 3)");
    service["kept"] = json!([{"number": 2, "digest": "sha256:bb"}, {"number": 1, "digest": "sha256:aa"}]);
    let expected = "\
cart runs sha256:cc (release 3)
  before it:     sha256:bb (release 2)
  the way back:  switchyard rollback cart";
    assert_eq!(render(service), expected);
}

#[test]
fn a_candidate_is_told_with_its_part_of_the_calls() {
    let service = json!({
        "name": "cart", "live": {"number": 2, "digest": "sha256:bb"}, "kept": [{"number": 1, "digest": "sha256:aa"}],
        "candidate": {"number": 3, "digest": "sha256:cc", "phase": "canary", "share": 0.1,
            "header": {"name": "x-cart", "value": "next"}, "steps": [0.01, 0.1, 0.5], "step": 1,
            "everySeconds": 120, "nextStepAt": "2026-01-02T03:04:05Z"},
    });
    let expected = "\
cart runs sha256:bb (release 2)
  candidate:     sha256:cc (release 3)
  it gets:       10% of the calls, those with x-cart: next, step 2 of 3, the next at 2026-01-02 03:04:05 UTC
  watch it:      switchyard status cart --watch
  decide:        switchyard promote cart, or switchyard abort cart";
    assert_eq!(render(service), expected);
}

#[test]
fn a_shadow_gets_copies() {
    let shadow: Candidate = serde_json::from_value(json!({
        "digest": "sha256:0123456789abcdef", "phase": "shadow", "share": 0, "shadow": {"share": 1.0, "compared": 0}
    }))
    .expect("a candidate");
    assert_eq!(part(&shadow), "a copy of 100% of the calls");
    assert_eq!(brief(&shadow), "0123456789ab shadow");
}
