//! Traces of a whole host, as a collector gets them.

mod collector;

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::json;
use switchyard::observe::traces::messages::{Span, SpanKind, StatusCode};

use crate::apply::host::Host;
use crate::apply::{BACK, FRONT};
use crate::releases::http::{Client, encoded};
use collector::{Collector, TOKEN, attribute};

const EVENTS: &str = "[services.source]\ncontract = \"test:events/source-service@1.0.0\"\ncomponent = \"emits.wasm\"\n\
     [services.sink]\ncontract = \"test:events/sink-service@1.0.0\"\ncomponent = \"takes.wasm\"\n\
     [services.clock]\ncontract = \"test:events/clock-service@1.0.0\"\ncomponent = \"takes.wasm\"\n";

/// Of a client that records its own span, and of one that does not.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A host whose traces `address` gets, and the folder of its secrets.
async fn traced(address: std::net::SocketAddr, services: &str) -> (Host, tempfile::TempDir) {
    let secrets = tempfile::tempdir().unwrap();
    let headers = secrets.path().join("headers");
    std::fs::write(&headers, format!("# for the collector\nauthorization: {TOKEN}\n")).unwrap();
    std::fs::set_permissions(&headers, std::fs::Permissions::from_mode(0o600)).unwrap();
    let telemetry = format!(
        "telemetry.endpoint = \"http://{address}/otlp\"\ntelemetry.service_name = \"shop\"\n\
         telemetry.timeout_ms = 2_000\ntelemetry.headers_file = \"{}\"\n",
        headers.display()
    );
    (Host::start(&format!("{telemetry}{services}")).await, secrets)
}

/// Runs `script` in the service `front`, as a client does.
async fn act(client: &Client, script: &str) -> u16 {
    client.post_json("/front", &json!(script)).await.status
}

/// Waits until `service` has something under `key`.
async fn comes(host: &Host, service: &str, key: &str) {
    let comes = async {
        while host.call(service, "look", json!({"key": key})).await.expect(200) == "" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), comes).await.unwrap();
}

fn is_error(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == i32::from(StatusCode::Error))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_tree_of_calls_and_waits_below_the_span_of_its_client_and_has_no_secrets() {
    let collector = Collector::start(0).await;
    let (host, _secrets) = traced(collector.address, &format!("{FRONT}{BACK}")).await;
    let session = json!({"script": "set session/secret-token anna customer"});
    host.call("back", "write", session).await.expect(200);
    let client = host
        .public
        .with_token("secret-token")
        .with_header("traceparent", &format!("00-{TRACE}-{PARENT}-01"))
        .with_header("idempotency-key", "secret-key")
        .with_header("x-request-id", "request-1");
    assert_eq!(act(&client, "add secret-name;back.write{add secret-other;back.read{say secret}}").await, 200);
    host.stop().await;

    let spans = collector.spans().of_trace(&u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes());
    let (front, back) = ("test:calls/front@1.0.0", "test:calls/back@1.0.0");
    let mut expected = [
        format!("{PARENT} > POST /front"),
        format!("POST /front > {back}/authenticate"),
        format!("POST /front > {front}/act"),
        format!("{front}/act > {back}/write"),
        format!("{back}/write > {back}/read"),
        format!("{front}/act > commit wait"),
    ];
    expected.sort();
    assert_eq!(spans.tree(), expected);

    let request = spans.one("POST /front");
    assert_eq!(request.kind, i32::from(SpanKind::Server));
    let seen = ["http.request.method", "http.route", "http.response.status_code", "url.scheme", "switchyard.request"]
        .map(|key| attribute(&request.attributes, key).unwrap());
    assert_eq!(seen, ["POST", "/front", "200", "http", "request-1"]);
    let nested = spans.one(&format!("{back}/write"));
    let seen = ["rpc.system.name", "rpc.method", "switchyard.service", "switchyard.outcome"]
        .map(|key| attribute(&nested.attributes, key).unwrap());
    assert_eq!(seen, ["switchyard", "test:calls/back@1.0.0/write", "back", "ok"]);
    for span in &spans.0 {
        assert!(!is_error(span), "{span:?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        assert!(span.start_time_unix_nano >= request.start_time_unix_nano, "{span:?}");
    }

    let export = collector.exports().remove(0);
    let resource = export.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(attribute(&resource.attributes, "service.name").unwrap(), "shop");
    let bytes = String::from_utf8_lossy(&collector.bytes()).into_owned();
    assert!(bytes.contains("request-1") && !bytes.contains("secret"), "{bytes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_that_does_not_record_its_trace_has_no_spans_and_without_one_a_trace_begins() {
    let collector = Collector::start(0).await;
    let proxies = "gateway.trusted_proxies = [\"127.0.0.1/32\"]\n";
    let (host, _secrets) = traced(collector.address, &format!("{proxies}{FRONT}{BACK}")).await;
    let unrecorded = host.public.with_header("traceparent", &format!("00-{TRACE}-{PARENT}-00"));
    unrecorded.get(&format!("/front?script={}", encoded("say no"))).await.expect(200);
    host.public.get(&format!("/front?script={}", encoded("say yes"))).await.expect(200);
    host.stop().await;
    assert_eq!(collector.spans().tree(), [" > GET /front", "GET /front > test:calls/front@1.0.0/look"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sampled_flag_of_a_client_does_not_count() {
    for (sampled, flag, recorded) in [("0.0", "01", 0), ("1.0", "00", 2)] {
        let collector = Collector::start(0).await;
        let services = format!("telemetry.sampled = {sampled}\n{FRONT}{BACK}");
        let (host, _secrets) = traced(collector.address, &services).await;
        let client = host.public.with_header("traceparent", &format!("00-{TRACE}-{PARENT}-{flag}"));
        client.get(&format!("/front?script={}", encoded("say hello"))).await.expect(200);
        host.stop().await;
        let spans = collector.spans().of_trace(&u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes());
        assert_eq!(spans.0.len(), recorded, "{sampled}, {flag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_has_the_status_of_an_error_and_a_refusal_has_not() {
    let collector = Collector::start(0).await;
    let (host, _secrets) = traced(collector.address, &format!("{FRONT}{BACK}")).await;
    assert_eq!(act(&host.public, "panic secret").await, 500);
    assert_eq!(act(&host.public.with_header("x-request-id", "nested"), "back.write{panic secret}").await, 200);
    assert_eq!(act(&host.public.with_header("x-request-id", "refused"), "refuse secret").await, 409);
    assert_eq!(host.public.with_header("x-request-id", "nothing").get("/secret/path?secret").await.status, 404);
    host.stop().await;

    let spans = collector.spans();
    let of = |request: &str| {
        let is = |span: &&Span| attribute(&span.attributes, "switchyard.request").is_some_and(|id| id == request);
        spans.of_trace(&spans.0.iter().find(is).unwrap().trace_id)
    };
    let error = |span: &Span| attribute(&span.attributes, "error.type").map(|error| error.into_owned());
    let failed = spans.0.iter().find(|span| is_error(span) && span.name == "POST /front").unwrap();
    assert_eq!(error(failed).as_deref(), Some("500"));
    let call = spans.of_trace(&failed.trace_id);
    let call = call.one("test:calls/front@1.0.0/act");
    assert_eq!((is_error(call), error(call).as_deref()), (true, Some("trap")));

    let nested = of("nested");
    let call = nested.one("test:calls/back@1.0.0/write");
    assert_eq!((is_error(call), error(call).as_deref()), (true, Some("trap")));
    assert!(!is_error(nested.one("POST /front")));

    let refused = of("refused");
    assert!(refused.0.iter().all(|span| !is_error(span)), "{refused:?}");
    let call = refused.one("test:calls/front@1.0.0/act");
    assert_eq!(attribute(&call.attributes, "switchyard.outcome").unwrap(), "refused");
    assert_eq!(of("nothing").one("GET").attributes.len(), 5);
    assert!(!String::from_utf8_lossy(&collector.bytes()).contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_a_trace_that_is_linked_to_the_call_that_emitted_the_event() {
    let collector = Collector::start(0).await;
    let (host, _secrets) = traced(collector.address, EVENTS).await;
    let emit = json!({"script": "emit secret-key{append log secret}"});
    host.call("source", "run", emit).await.expect(200);
    comes(&host, "sink", "log").await;
    host.call("clock", "run", json!({"script": "set tick{append log secret}"})).await.expect(200);
    comes(&host, "clock", "log").await;
    host.stop().await;

    let spans = collector.spans();
    let of_source = |span: &&Span| {
        let service = attribute(&span.attributes, "switchyard.service");
        span.name == "test:events/scripts@1.0.0/run" && service.as_deref() == Some("source")
    };
    let emitting = spans.0.iter().find(of_source).unwrap();
    let delivery = spans.one("deliver test:events/happenings@1.0.0/happened");
    let links: Vec<_> = delivery.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect();
    assert_eq!(links, [(hex(&emitting.trace_id), hex(&emitting.span_id))]);
    assert_ne!(delivery.trace_id, emitting.trace_id);
    assert_eq!(delivery.kind, i32::from(SpanKind::Consumer));
    let seen = ["messaging.operation.type", "switchyard.service", "switchyard.emitter", "switchyard.attempt"]
        .map(|key| attribute(&delivery.attributes, key).unwrap());
    assert_eq!(seen, ["process", "sink", "source", "1"]);
    let happened = "test:events/happenings@1.0.0/happened";
    let tree = spans.of_trace(&delivery.trace_id).tree();
    assert_eq!(tree, [format!(" > deliver {happened}"), format!("deliver {happened} > {happened}")]);

    let scheduled = spans.0.iter().find(|span| span.name.starts_with("schedule ")).unwrap();
    assert_eq!(attribute(&scheduled.attributes, "switchyard.service").unwrap(), "clock");
    assert_eq!(spans.of_trace(&scheduled.trace_id).0.len(), 2);
    assert!(!String::from_utf8_lossy(&collector.bytes()).contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_unavailable_for_a_while_gets_the_spans_then() {
    let collector = Collector::start(2).await;
    let (host, _secrets) = traced(collector.address, &format!("{FRONT}{BACK}")).await;
    assert_eq!(act(&host.public, "say hello").await, 200);
    let exported = async {
        while collector.spans().0.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), exported).await.unwrap();
    let metrics = host.operator.get("/metrics").await;
    assert!(metrics.body.as_str().unwrap().contains("\nswitchyard_spans_exported_total "), "{metrics:?}");
    collector.spans().one("POST /front");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_delays_neither_requests_nor_the_stop() {
    // It takes connections, and nobody reads from them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (host, _secrets) = traced(silent.local_addr().unwrap(), &format!("{FRONT}{BACK}")).await;
    assert_eq!(act(&host.public, "say hello").await, 200);
    // An export is under way.
    let (_connection, _) = tokio::time::timeout(Duration::from_secs(60), silent.accept()).await.unwrap().unwrap();
    for _ in 0..20 {
        let answer = tokio::time::timeout(Duration::from_millis(1_500), act(&host.public, "say hello"));
        assert_eq!(answer.await.unwrap(), 200, "a request takes as long as an export");
    }
    tokio::time::timeout(Duration::from_secs(8), host.stop()).await.unwrap();
}
