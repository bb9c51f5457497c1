use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use prost::Message as _;

use super::collector::Collector;
use super::ids::Ids;
use super::messages::{
    AnyValue, ExportTraceServiceRequest, ExportTraceServiceResponse, InstrumentationScope, KeyValue, Link, Resource,
    ResourceSpans, ScopeSpans, Status, StatusCode, Value,
};
use super::span::{Shared, Span};
use super::*;
use crate::limits::{EMISSIONS_TRACED_MAX, SPANS_PER_EXPORT_MAX, SPANS_QUEUED_MAX};
use crate::names::CommitSeq;

fn client(is_sampled: Option<bool>) -> Option<ClientSpan> {
    let context = SpanContext::parse("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7").expect("ids");
    Some(ClientSpan { context, is_sampled })
}

#[test]
fn without_telemetry_nothing_begins_and_nothing_is_described() {
    let tracer = Tracer::off();
    let mut span = tracer.request(|| panic!("nobody reads the traceparent"));
    span.describe(|_| panic!("nobody describes it"));
    assert!(span.context().is_none() && !span.as_parent().is_some());
    assert!(span.as_parent().child("call").context().is_none());
    assert!(tracer.work("work").context().is_none() && tracer.delivery(CommitSeq(1)).context().is_none());
}

#[test]
fn a_request_is_recorded_as_a_trusted_client_says_and_otherwise_by_its_share() {
    let recorded = |sampled: f64, client: Option<ClientSpan>| {
        let (tracer, _) = Tracer::new(sampled).expect("randomness");
        (0..1_000).filter(|_| tracer.request(|| client).context().is_some()).count()
    };
    assert_eq!([recorded(0.0, client(Some(true))), recorded(1.0, client(Some(false)))], [1_000, 0]);
    for client in [None, client(None)] {
        assert_eq!([recorded(0.0, client), recorded(1.0, client)], [0, 1_000]);
        let share = recorded(0.25, client);
        assert!((150..350).contains(&share), "{share} of 1,000");
    }
}

#[test]
fn a_span_of_a_client_has_two_ids_that_are_not_zero() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    assert_eq!(SpanContext::parse(trace, span).map(SpanContext::trace_text).as_deref(), Some(trace));
    assert_eq!(SpanContext::parse(&"0".repeat(32), span), None);
    assert_eq!(SpanContext::parse(trace, &"0".repeat(16)), None);
    assert_eq!(SpanContext::parse("x", span), None);
}

#[test]
fn a_full_queue_drops_spans_and_counts_them() {
    let recorder = PrometheusBuilder::new().build_recorder();
    ::metrics::with_local_recorder(&recorder, || {
        let shared = Shared::new(Ids::new().expect("randomness"));
        for _ in 0..SPANS_QUEUED_MAX + 3 {
            drop(Span::begin(&shared, (shared.ids.root(), None), SpanKind::Internal, "work"));
        }
        assert_eq!(shared.queue.len(), SPANS_QUEUED_MAX);
        assert_eq!(shared.queue.take().len(), SPANS_PER_EXPORT_MAX);
    });
    let text = recorder.handle().render();
    assert!(text.contains("switchyard_spans_dropped_total{why=\"queue\"} 3\n"), "{text}");
}

#[test]
fn the_last_commits_with_events_are_remembered_and_no_more() {
    let (tracer, shared) = Tracer::new(1.0).expect("randomness");
    let span = tracer.work("work");
    for commit in 0..=EMISSIONS_TRACED_MAX as u64 {
        span.as_parent().emits(CommitSeq(commit));
    }
    assert_eq!(shared.emitted_in(CommitSeq(0)), None);
    assert_eq!(
        [1, EMISSIONS_TRACED_MAX as u64].map(|commit| shared.emitted_in(CommitSeq(commit))),
        [span.context(); 2]
    );
}

#[test]
fn a_collector_has_an_http_address_without_secrets() {
    let check = |endpoint: &str, good: bool| {
        assert_eq!(is_endpoint(endpoint), good, "{endpoint}");
        let collector = Collector::new(endpoint, hyper::HeaderMap::new(), Duration::from_secs(1));
        assert!(!good || collector.is_ok(), "{endpoint}: {collector:?}");
    };
    check("http://127.0.0.1:4318", true);
    check("http://[::1]:4318/", true);
    check("http://collector.internal/otlp", true);
    check("collector:4318", false);
    check("127.0.0.1:4318", false);
    check("ftp://collector", false);
    check("http://user:secret@collector", false);
    check("http://collector/?token=secret", false);
    check("http://collector/#fragment", false);
    check("http://", false);
    check("", false);
}

#[test]
fn headers_are_lines_and_a_bad_one_is_named_without_its_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("headers");
    let read = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        read_headers(&path).map_err(|error| error.to_string())
    };
    let headers = read("# comment\n\nauthorization: Bearer a:b\nx-scope-orgid:shop\n").expect("good headers");
    assert_eq!(headers.len(), 2);
    assert!(headers.iter().all(|(_, value)| value.is_sensitive()));
    assert_eq!(headers.get("authorization").map(|value| value.as_bytes()), Some(&b"Bearer a:b"[..]));
    for bad in ["a: b\nsecret\n", "a: b\nsecret header: x\n", "a: b\nc: secret\u{1}\n"] {
        let error = read(bad).expect_err(bad);
        assert!(error.contains("headers:2 is no header") && !error.contains("secret"), "{error}");
    }
    assert!(read(&"x".repeat(20_000)).expect_err("too large").contains("larger than 16384 bytes"));
    assert!(read_headers(&folder.path().join("none")).is_err());
}

/// What the crate `opentelemetry-proto` 0.33.1 encodes for the same messages.
const REQUEST: &str = "0a97010a0a0a080a017212030a01781288010a060a0169120177127e0a1001010101010101010101010101010101120802020202\
    02020202220803030303030303032a017330053904000000000000004105000000000000004a080a017412030a01764a080a016e120318c8016a21\
    0a10060606060606060606060606060606061208070707070707070735010000007a021802850101000000";
const RESPONSE: &str = "0a0608ac02120165";

#[test]
fn messages_are_encoded_as_opentelemetry_encodes_them() {
    let attribute = |key: &str, value| KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) };
    let text = |key: &str, value: &str| attribute(key, Value::StringValue(value.into()));
    let span = messages::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        parent_span_id: vec![3; 8],
        name: "s".into(),
        kind: messages::SpanKind::Consumer.into(),
        start_time_unix_nano: 4,
        end_time_unix_nano: 5,
        attributes: vec![text("t", "v"), attribute("n", Value::IntValue(200))],
        links: vec![Link { trace_id: vec![6; 16], span_id: vec![7; 8], flags: 1 }],
        status: Some(Status { code: StatusCode::Error.into() }),
        flags: 1,
    };
    let scope = Some(InstrumentationScope { name: "i".into(), version: "w".into() });
    let resource = Some(Resource { attributes: vec![text("r", "x")] });
    let resource_spans = vec![ResourceSpans { resource, scope_spans: vec![ScopeSpans { scope, spans: vec![span] }] }];
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(ExportTraceServiceRequest { resource_spans }.encode_to_vec()), REQUEST);

    // A field that the host does not know is skipped.
    let bytes: Vec<_> =
        (0..RESPONSE.len()).step_by(2).map(|at| u8::from_str_radix(&RESPONSE[at..at + 2], 16)).collect();
    let bytes: Vec<_> = bytes.into_iter().map(|byte| byte.expect("hex")).collect();
    let response = ExportTraceServiceResponse::decode(bytes.as_slice()).expect("a message");
    assert_eq!(response.partial_success.map(|partial| partial.rejected_spans), Some(300));
}
