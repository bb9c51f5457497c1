use serde_json::{Value, json};

use super::*;

fn release(number: u64, calls: u64) -> Value {
    let figures = json!({"calls": calls, "errors": 3, "traps": 1, "latencyMicros": {"p50": 90, "p99": 2500}});
    json!({"number": number, "digest": format!("sha256:{number:0<64}"), "figures": figures})
}

fn service(live: Value, candidate: Option<Value>, kept: Value) -> Service {
    let mut service = json!({"name": "cart", "live": live, "kept": kept});
    if let Some(candidate) = candidate {
        service["candidate"] = candidate;
    }
    serde_json::from_value(service).expect("a service")
}

fn candidate(mut release: Value, more: Value) -> Value {
    let (Some(into), Value::Object(more)) = (release.as_object_mut(), more) else { panic!("objects") };
    into.extend(more);
    release
}

#[test]
fn each_release_has_its_share_and_its_rate() {
    let canary = json!({"phase": "canary", "share": 0.1, "steps": [0.01, 0.1], "step": 1,
                            "judged": {"text": "412 of 500 calls until it is judged"}});
    let before = [service(release(1, 1000), Some(candidate(release(2, 0), canary.clone())), json!([]))];
    let now = [service(release(1, 1181), Some(candidate(release(2, 30), canary)), json!([]))];
    let expected = "\
SERVICE  RELEASE       STATE      SHARE  CALLS/S  CALLS  REFUSED  ERRORS  TRAPS    P50     P99
cart     100000000000  live         90%     90.5   1181    0.00%   0.25%  0.08%  90 µs  2.5 ms
cart     200000000000  candidate    10%     15.0     30    0.00%  10.00%  3.33%  90 µs  2.5 ms
cart: 200000000000 gets 10% of the calls, step 2 of 2
  412 of 500 calls until it is judged";
    assert_eq!(text(&now, Some((&before, Duration::from_secs(2))), &[]), expected);
    assert_eq!(text(&now, None, &[]).matches("  -  ").count(), 2, "no rate is known at first");
}

#[test]
fn a_release_keeps_its_rate_when_it_moves_and_a_new_host_counts_anew() {
    let rates = |before: Service, now: Service| -> Vec<String> {
        let rows = releases(&now, Some((&before, Duration::from_secs(1))));
        rows.iter().map(|row| row[4].clone()).collect()
    };
    // The candidate was promoted between the readings.
    let before = service(release(1, 10), Some(candidate(release(2, 7), json!({"phase": "canary"}))), json!([]));
    assert_eq!(rates(before, service(release(2, 9), None, json!([release(1, 10)]))), ["2.0"]);
    // A rollback, then a return to a stored release.
    let before = service(release(2, 9), None, json!([release(1, 10)]));
    assert_eq!(rates(before, service(release(1, 14), None, json!([]))), ["4.0"]);
    let before = service(release(1, 1000), None, json!([]));
    assert_eq!(rates(before, service(release(1, 5), None, json!([]))), ["5.0"]);
}

#[test]
fn a_shadow_has_no_share_and_a_report() {
    let shadow = json!({"phase": "shadow", "share": 1.0, "shadow": {"share": 1.0, "compared": 2, "equal": 2}});
    let now = [service(release(1, 5), Some(candidate(release(2, 2), shadow)), json!([]))];
    let text = text(&now, None, &[]);
    let ends = "\ncart: 200000000000 gets a copy of 100% of the calls\n  shadow: 2 calls compared, 2 equal, 0 different, 0 dropped";
    assert!(text.ends_with(ends), "{text}");
    let shares: Vec<_> = releases(&now[0], None).iter().map(|row| row[3].clone()).collect();
    assert_eq!(shares, ["100%", "0%"]);
}
