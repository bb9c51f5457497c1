use serde_json::{Value, json};

use super::*;

fn digest(begin: &str) -> String {
    format!("sha256:{begin}{}", "0123456789abcdef".repeat(4)).chars().take(71).collect()
}

fn read(service: Value) -> Service {
    serde_json::from_value(service).expect("a service")
}

#[test]
fn the_services_are_a_table() {
    let figures = json!({
        "calls": 1200, "refused": 3, "errors": {"trap": 1, "deadline": 2},
        "latencyMicros": {"p50": 90, "p99": 2500}, "inFlight": 4
    });
    let candidate = json!({"digest": digest("c"), "phase": "canary", "share": 0.05});
    let services = [
        json!({"name": "cart", "live": {"digest": digest("")}, "candidate": candidate, "figures": figures,
                   "storeBytes": 1536}),
        json!({"name": "payment", "figures": {}}),
    ];
    let expected = "\
SERVICE  STATE       RELEASE       CANDIDATE        CALLS  REFUSED  ERRORS    P50     P99  RUNNING    STORE
cart     live        0123456789ab  c0123456789a 5%   1200        3       3  90 µs  2.5 ms        4  1.5 KiB
payment  no release  -             -                    0        0       0      -       -        0      0 B";
    let check = |manifest_file: Value, note: &str| {
        let services = json!({"items": services, "manifestFile": manifest_file});
        assert_eq!(all(&serde_json::from_value(services).expect("services")), format!("{expected}{note}"));
    };
    check(json!({"path": "/srv/shop.toml", "unapplied": []}), "");
    let unapplied = json!(["services.cart.limits.deadline_ms", "services.gift"]);
    let note = "
/srv/shop.toml has other settings than are applied: services.cart.limits.deadline_ms, services.gift
`switchyard apply` makes them take effect";
    check(json!({"path": "/srv/shop.toml", "unapplied": unapplied}), note);
    let error = json!({"path": "/srv/shop.toml", "unapplied": [], "error": "/srv/shop.toml:3: unknown key `host.x`"});
    check(error, "\nthe host cannot start with /srv/shop.toml again: /srv/shop.toml:3: unknown key `host.x`");
}

#[test]
fn one_service_is_told_in_full() {
    let service = json!({
        "name": "cart", "contract": "shop:cart/cart-service@1.0.0", "dataVersion": 2, "storeBytes": 7, "platformBytes": 90,
        "live": {"number": 3, "digest": "sha256:00", "deployedAt": "2026-01-02T03:04:05Z", "circuitOpen": true,
                 "by": "ci", "reason": "totals", "dataVersion": {"writes": 2, "readsUpTo": 2}},
        "candidate": {"number": 4, "digest": "sha256:cc", "phase": "shadow", "reason": "rewrite",
            "judged": {"text": "too few calls to judge"},
            "shadow": {"share": 1.0, "compared": 5, "equal": 4, "different": 1, "dropped": 0,
                "functions": [{"function": "checkout", "equal": 0, "different": 1}],
                "differences": [{"function": "checkout", "path": "/total", "live": 1999, "candidate": null}]}},
        "kept": [
            {"number": 2, "digest": digest("b"), "deployedAt": "2026-01-01T03:04:05Z", "reason": "first"},
            {"number": 1, "digest": digest("a"), "deployedAt": "2026-01-01T02:04:05Z"},
        ],
        "figures": {"errors": {"trap": 7}, "latencyMicros": {"p50": 2_300_000}},
    });
    let expected = "\
service          cart
contract         shop:cart/cart-service@1.0.0
state            circuit open
release          sha256:00
live since       2026-01-02 03:04:05
by               ci
reason           totals
its data         writes version 2, reads up to 2
data version     2
calls            0
refused          0
errors: trap     7
latency p50      2.3 s
latency p99      -
reused answers   -
conflicts        0
turns            0
calls to others  0
running          0
waiting          0
store            7 B
kept of calls    90 B
candidate        sha256:cc
it gets          a copy of 100% of the calls
reason           rewrite
judged           too few calls to judge
kept             b0123456789a  release 2  2026-01-01 03:04:05  first
                 a0123456789a  release 1  2026-01-01 02:04:05
shadow: 5 calls compared, 4 equal, 1 different, 0 dropped
  checkout: 0 equal, 1 different
    /total: live 1999, candidate null";
    assert_eq!(one(&read(service)), expected);
}
