//! What a host says of itself in figures: `/metrics`, and the header of a refusal.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::http::Client;
use super::process::Process;
use super::{Rig, Setup, until};

pub(super) async fn metrics(operator: &Client) -> String {
    operator.get("/metrics").await.expect(200).as_str().unwrap().to_owned()
}

/// The value of a series, which is named with its labels.
pub(super) fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_in_the_answer_has_its_type_and_its_help() {
    let rig = Rig::pair("").await;
    assert_eq!(rig.look("variant").await, "1");
    let text = metrics(&rig.operator).await;
    let described = |what: &str| -> BTreeMap<&str, &str> {
        let lines = text.lines().filter_map(|line| line.strip_prefix(what)?.strip_prefix(' ')?.split_once(' '));
        let all: Vec<_> = lines.collect();
        let by_name: BTreeMap<_, _> = all.iter().copied().collect();
        assert_eq!(by_name.len(), all.len(), "a family has two lines of {what}");
        by_name
    };
    let (helps, types) = (described("# HELP"), described("# TYPE"));
    let samples: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(samples.len() > 100, "{text}");
    for sample in samples {
        let name = sample.split(['{', ' ']).next().unwrap();
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let histogram = of_histogram.filter(|name| types.get(name) == Some(&"histogram"));
        let family = histogram.unwrap_or(name);
        assert!(types.contains_key(family), "{sample} has no type");
        assert!(helps.get(family).is_some_and(|help| help.ends_with('.')), "{sample} has no help");
    }
    // Of one release: what a chart of a canary needs.
    let calls = r#"switchyard_release_calls_total{service="front",release="1",role="live",outcome="ok"}"#;
    assert_eq!(value(&text, calls), Some(1.0), "{text}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_answers_have_no_room_is_told_when_to_come_back_and_the_metrics_show_it() {
    let setup = Setup::pair("limits.kept_bytes_max = 1_048_576\nretries.memos_kept_ms = 1_000");
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let ask = async |client: &Client, key: usize| {
        client.with_header("idempotency-key", &key.to_string()).post_json("/front", &Value::from("big 1000")).await
    };
    let mut kept = 0;
    let refused = loop {
        let answer = ask(&process.public, kept + 1).await;
        if answer.status != 200 {
            break answer;
        }
        kept += 1;
        assert!(kept < 200, "the share of one client ends");
    };
    assert!(kept > 1);
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(refused.status == 503 && retry_after >= 1, "{refused:?}");
    assert_eq!(ask(&process.public, kept).await.status, 200, "what was kept is still there");
    let other = Client::from_address(process.public.address(), Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))));
    assert_eq!(ask(&other, 0).await.status, 200);

    let of_front = |name: &str| format!("switchyard_kept_answers_{name}{{service=\"front\"}}");
    until("what they take", async || {
        let text = metrics(&process.operator).await;
        let (bytes, max) = (value(&text, &of_front("bytes")), value(&text, &of_front("bytes_max")));
        bytes.is_some_and(|bytes| bytes > 1000.0 && max.is_some_and(|max| max > bytes))
    })
    .await;
    let refusals = r#"switchyard_kept_answers_refused_total{service="front",share="client"}"#;
    assert_eq!(value(&metrics(&process.operator).await, refusals), Some(1.0));
    process.kill().await;
}
