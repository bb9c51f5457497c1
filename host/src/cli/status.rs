//! `switchyard status`: the services of a running host, or one of them.

use hyper::Method;
use serde_json::Value;

use super::arguments::Status;
use super::client::{segment, send};
use super::failure::{Failure, Kind};
use super::output;
use super::target::Target;

/// Hex digits of a digest that are enough to tell releases apart.
const DIGEST_CHARACTERS: usize = 12;

pub(super) fn run(command: &Status) -> Result<(), Failure> {
    let target = Target::find(&command.host)?;
    let path = match &command.service {
        Some(service) => format!("/services/{}", segment(service)),
        None => "/services".into(),
    };
    let answer = send(&target, Method::GET, &path, None)?;
    if command.json {
        return output::result(&String::from_utf8_lossy(&answer));
    }
    let document: Value = serde_json::from_slice(&answer).map_err(|error| {
        let what = format!("{} does not answer as a host of this version does", target.url);
        Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what))
    })?;
    match &command.service {
        Some(_) => output::result(&one(&document)),
        None => output::result(&all(&document)),
    }
}

fn all(document: &Value) -> String {
    let heading = ["SERVICE", "STATE", "RELEASE", "CALLS", "REFUSED", "ERRORS", "P50", "P99", "RUNNING", "STORE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for service in document.get("items").and_then(Value::as_array).into_iter().flatten() {
        rows.push(vec![
            text(service, "/name"),
            state(service),
            digest(service),
            count(service, "/figures/calls").to_string(),
            count(service, "/figures/refused").to_string(),
            errors(service).to_string(),
            micros(service, "/figures/latencyMicros/p50"),
            micros(service, "/figures/latencyMicros/p99"),
            count(service, "/figures/inFlight").to_string(),
            bytes(count(service, "/storeBytes")),
        ]);
    }
    output::table(&rows, |column| column > 2)
}

fn one(service: &Value) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("service", text(service, "/name")),
        row("contract", text(service, "/contract")),
        row("state", state(service)),
        row("release", text(service, "/live/digest")),
        row("live since", text(service, "/live/deployedAt")),
        row("calls", count(service, "/figures/calls").to_string()),
        row("refused", count(service, "/figures/refused").to_string()),
    ];
    let errors = service.pointer("/figures/errors").and_then(Value::as_object);
    rows.extend(errors.into_iter().flatten().map(|(kind, count)| row(&format!("errors: {kind}"), count.to_string())));
    rows.extend([
        row("latency p50", micros(service, "/figures/latencyMicros/p50")),
        row("latency p99", micros(service, "/figures/latencyMicros/p99")),
        row("conflicts", count(service, "/figures/conflicts").to_string()),
        row("calls to others", count(service, "/figures/nestedCalls").to_string()),
        row("running", count(service, "/figures/inFlight").to_string()),
        row("waiting", count(service, "/figures/waiting").to_string()),
        row("store", bytes(count(service, "/storeBytes"))),
    ]);
    output::table(&rows, |_| false)
}

fn text(service: &Value, pointer: &str) -> String {
    service.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned()
}

fn count(service: &Value, pointer: &str) -> u64 {
    service.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

fn state(service: &Value) -> String {
    let circuit_open = service.pointer("/live/circuitOpen").and_then(Value::as_bool) == Some(true);
    match service.get("live") {
        None => "no release",
        Some(_) if circuit_open => "circuit open",
        Some(_) => "live",
    }
    .into()
}

fn digest(service: &Value) -> String {
    let digest = text(service, "/live/digest");
    digest.strip_prefix("sha256:").unwrap_or(&digest).chars().take(DIGEST_CHARACTERS).collect()
}

fn errors(service: &Value) -> u64 {
    let kinds = service.pointer("/figures/errors").and_then(Value::as_object);
    kinds.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
}

fn micros(service: &Value, pointer: &str) -> String {
    match service.pointer(pointer).and_then(Value::as_u64) {
        None => "-".into(),
        Some(micros) if micros < 1_000 => format!("{micros} µs"),
        Some(micros) if micros < 1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        Some(micros) => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

fn bytes(count: u64) -> String {
    let (mut whole, mut tenths) = (count, 0);
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if whole < 1024 {
            return if unit == "B" { format!("{whole} B") } else { format!("{whole}.{tenths} {unit}") };
        }
        (whole, tenths) = (whole / 1024, whole % 1024 * 10 / 1024);
    }
    format!("{whole}.{tenths} TiB")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_services_are_a_table() {
        let figures = json!({
            "calls": 1200, "refused": 3, "errors": {"trap": 1, "deadline": 2},
            "latencyMicros": {"p50": 90, "p99": 2500}, "inFlight": 4
        });
        let live = json!({"digest": format!("sha256:{}", "0123456789abcdef".repeat(4))});
        let document = json!({"items": [
            {"name": "cart", "live": live, "figures": figures, "storeBytes": 1536},
            {"name": "payment", "figures": {}},
        ]});
        let expected = "\
SERVICE  STATE       RELEASE       CALLS  REFUSED  ERRORS    P50     P99  RUNNING    STORE
cart     live        0123456789ab   1200        3       3  90 µs  2.5 ms        4  1.5 KiB
payment  no release  -                 0        0       0      -       -        0      0 B";
        assert_eq!(all(&document), expected);
    }

    #[test]
    fn one_service_is_told_in_full() {
        let document = json!({
            "name": "cart", "contract": "shop:cart/cart-service@1.0.0",
            "live": {"digest": "sha256:00", "deployedAt": "2026-01-02T03:04:05Z", "circuitOpen": true},
            "figures": {"errors": {"trap": 7}, "latencyMicros": {"p50": 2_300_000}}
        });
        let text = one(&document);
        let lines = ["contract         shop:cart/cart-service@1.0.0", "state            circuit open"];
        for line in
            lines.into_iter().chain(["errors: trap     7", "latency p50      2.3 s", "release          sha256:00"])
        {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn sizes_are_rounded_down_to_a_tenth() {
        let check = |count: u64, text: &str| assert_eq!(bytes(count), text);
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.0 KiB");
        check(10 * 1024 * 1024 + 512 * 1024, "10.5 MiB");
        check(u64::MAX, "16777215.9 TiB");
    }
}
