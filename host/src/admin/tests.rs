//! Tests of the operator API without a socket and without a service: the answer of each route, for each kind of token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::{Request, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::request::RequestBody;
use super::routes::Route;
use super::server::Admin;
use super::token_file::TOKEN_FILE;
use crate::admin::handlers::intents::IntentAction;
use crate::admin::handlers::releases::Action;
use crate::config::{Flags, load};
use crate::events::Events;
use crate::limits::{COMPONENTS_AT_ONCE_MAX, UPLOADS_AT_ONCE_MAX};
use crate::names::ServiceName;
use crate::observe::Metrics;
use crate::observe::calls::ServiceCalls;
use crate::release::Releases;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

const MANIFEST: &str = "[services.shelf]\ncontract = \"a:b/c\"\ncomponent = \"none.wasm\"\n";

/// The operator API of a host whose one service has no release.
struct TestHost {
    admin: Arc<Admin>,
    tasks: Tasks,
    stores: Stores,
    folder: tempfile::TempDir,
}

fn test_host() -> TestHost {
    test_host_with("")
}

/// With these keys in its manifest.
fn test_host_with(keys: &str) -> TestHost {
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = folder.path().join("switchyard.toml");
    std::fs::write(&manifest, format!("{keys}{MANIFEST}")).expect("a manifest");
    let configuration = load(&manifest, &[], Flags::default()).expect("a good manifest");
    let data = &configuration.manifest.host.data;
    std::fs::create_dir(data).expect("a data directory");
    let stores = Stores::open(data, &configuration.manifest.store, &[]).expect("stores");
    let tasks = Tasks::default();
    let runtime = Runtime::new(&configuration.manifest.runtime, tasks.outages()).expect("a runtime");
    let mut manifest = configuration.manifest.clone();
    manifest.services.clear();
    let opened = Releases::open(&manifest, data, runtime, &stores, &tasks, &|_| {});
    let (releases, calls) = opened.expect("no service is missing");
    let events = Events::new(calls.clone(), stores.clone(), manifest.events.clone(), |_| Default::default(), &tasks);
    let admin = Admin::new(&configuration, calls, releases, events, stores.clone(), Metrics::start(), &tasks);
    let admin = admin.expect("a token");
    TestHost { admin, tasks, stores, folder }
}

struct Answered {
    status: StatusCode,
    headers: hyper::HeaderMap,
    body: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

impl TestHost {
    fn token(&self) -> String {
        let file = std::fs::read_to_string(self.folder.path().join("data").join(TOKEN_FILE)).expect("the token's file");
        file.trim().into()
    }

    /// Sends `line`, such as `GET /services`, with `headers`.
    async fn ask(&self, line: &str, headers: &[(&str, &str)]) -> Answered {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let body: RequestBody = Full::default().map_err(|never| match never {}).boxed_unsync();
        let (head, body) = self.admin.respond(&head, body).await.into_parts();
        let body = body.collect().await.expect("the whole body").to_bytes();
        Answered { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).expect("text") }
    }

    async fn ask_with_token(&self, line: &str) -> Answered {
        self.ask(line, &[("authorization", &format!("Bearer {}", self.token()))]).await
    }
}

#[test]
fn paths_lead_to_routes() {
    let check = |path: &str, route: Option<Route<'_>>| assert_eq!(Route::at(path), route, "{path}");
    check("/healthz", Some(Route::Health));
    check("/services", Some(Route::Services));
    check("/services/cart", Some(Route::Service("cart")));
    check("/services/cart/call/get", Some(Route::Call { service: "cart", function: "get" }));
    check("/services/cart/call/a/b", None);
    check("/services/cart/calls/get", None);
    check("/services/cart/entries", Some(Route::Entries("cart")));
    check("/services/cart/entry", Some(Route::Entry("cart")));
    check("/services/cart/entry/a", None);
    let id = "0123";
    check("/intents", Some(Route::Intents));
    check("/intents/0123/retry", Some(Route::Intent { id, action: IntentAction::Retry }));
    check("/intents/0123/give-up", Some(Route::Intent { id, action: IntentAction::GiveUp }));
    check("/intents/0123", None);
    check("/events", Some(Route::Events));
    check("/events/cart", Some(Route::EventsOf("cart")));
    let drop = crate::admin::handlers::events::DeadLetterAction::Drop;
    check("/events/cart/drop", Some(Route::ChangeDeadLetters { service: "cart", action: drop }));
    check("/events/cart/dropped", None);
    check("/schedules", Some(Route::Schedules));
    check("/cluster", Some(Route::Cluster));
    check("/cluster/step-down", Some(Route::StepDown));
    check("/cluster/nodes/b", Some(Route::Node("b")));
    check("/cluster/nodes", None);
    check("/healthz/", None);
    check("/logs", Some(Route::Logs));
    check("/version", Some(Route::Version));
    check("/services/cart/pause", Some(Route::Act { service: "cart", action: Action::Pause }));
    check("/", None);
    check("*", None);
}

#[tokio::test]
async fn a_host_without_a_cluster_says_so() {
    let host = test_host();
    for line in ["GET /cluster", "POST /cluster/step-down", "DELETE /cluster/nodes/b"] {
        let answer = host.ask_with_token(line).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{line}");
        assert!(answer.body.contains("This host is in no cluster"), "{line}: {}", answer.body);
        assert_eq!(host.ask(line, &[]).await.status, StatusCode::UNAUTHORIZED, "{line}");
    }
}

#[tokio::test]
async fn the_token_opens_what_is_the_operators_alone() {
    let host = test_host();
    let token = host.token();
    let right = format!("Bearer {token}");
    for (line, open) in [
        ("GET /healthz", true),
        ("GET /readyz", true),
        ("GET /metrics", true),
        ("GET /openapi.json", true),
        ("GET /version", false),
        ("GET /logs", false),
        ("PUT /services/shelf", false),
        ("DELETE /services/shelf", false),
        ("GET /services", false),
        ("GET /services/shelf", false),
        ("POST /services/shelf/call/get", false),
        ("DELETE /services", false),
    ] {
        let longer = format!("{right}0");
        for wrong in [None, Some("Bearer"), Some("Bearer "), Some(longer.as_str()), Some(token.as_str())] {
            let headers: Vec<_> = wrong.map(|value| (AUTHORIZATION.as_str(), value)).into_iter().collect();
            let answer = host.ask(line, &headers).await;
            assert_eq!(answer.status == StatusCode::UNAUTHORIZED, !open, "{line} with {wrong:?}");
            if !open {
                assert_eq!(answer.headers.get(WWW_AUTHENTICATE).expect("a challenge"), "Bearer");
                assert!(!answer.body.contains(&token));
            }
        }
        let answer = host.ask(line, &[(AUTHORIZATION.as_str(), &right)]).await;
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{line}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_as_a_problem() {
    let host = test_host();
    let check = async |line: &str, status: u16, detail: &str| {
        let answer = host.ask_with_token(line).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        assert_eq!(answer.headers.get(CONTENT_TYPE).expect("a type"), "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem.get("detail").and_then(Value::as_str), Some(detail), "{line}");
        let instance = problem.get("instance").and_then(Value::as_str);
        let id = answer.headers.get("x-request-id").and_then(|id| id.to_str().ok());
        assert!(instance.is_some() && instance == id, "{line}");
    };
    check("GET /nothing", 404, "This address does not exist.").await;
    check("GET /services/shelf", 404, "There is no service \"shelf\"; there are: none.").await;
    check("GET /service%73/sh%65lf", 404, "There is no service \"shelf\"; there are: none.").await;
    check("POST /services/a%20b/call/x", 404, "There is no service \"a b\"; there are: none.").await;
    let malformed = "The path is malformed: a `%` needs two hex digits, of UTF-8.";
    check("GET /services/%zz", 400, malformed).await;
    let method = "This address does not support this method: see the Allow header.";
    check("POST /services", 405, method).await;
    check("GET /services/shelf/call/get", 405, method).await;
    let post = host.ask_with_token("GET /services/shelf/call/get").await;
    assert_eq!(post.headers.get(ALLOW).expect("the methods"), "POST");
}

#[tokio::test]
async fn the_host_is_ready_only_while_it_can_do_its_work() {
    let host = test_host();
    let check = async |reason: &str| {
        let answer = host.ask("GET /readyz", &[]).await;
        let json = answer.json();
        let because = json.get("because").and_then(Value::as_array).cloned().unwrap_or_default();
        let found = because.iter().filter_map(Value::as_str).any(|text| text.starts_with(reason));
        assert_eq!((answer.status, found), (StatusCode::SERVICE_UNAVAILABLE, true), "{reason}: {json}");
        assert_eq!(host.ask("GET /healthz", &[]).await.status, StatusCode::OK);
    };
    let stores = host.stores.clone();
    tokio::task::spawn_blocking(move || stores.close()).await.expect("no panic").expect("closed");
    check("no commit is taken").await;
    host.tasks.shut_down(Duration::ZERO).await.expect("no task runs");
    check("the host is stopping").await;
}

#[tokio::test]
async fn a_request_without_a_fit_id_gets_one() {
    let host = test_host();
    let given = host.ask("GET /healthz", &[("x-request-id", "mine")]).await;
    assert_eq!(given.headers.get("x-request-id").expect("an id"), "mine");
    let bad = host.ask("GET /healthz", &[("x-request-id", "not mine")]).await;
    assert_eq!(bad.status, StatusCode::OK);
    assert_ne!(bad.headers.get("x-request-id").expect("an id"), "not mine");
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let host = test_host();
    let _counts = ServiceCalls::new(&ServiceName::parse("shown").expect("a name"));
    let answer = host.ask("GET /metrics", &[]).await;
    assert_eq!(answer.headers.get(CONTENT_TYPE).expect("a type"), "text/plain; version=0.0.4; charset=utf-8");
    let line = r#"switchyard_calls_total{service="shown",outcome="ok"} 0"#;
    assert!(answer.body.lines().any(|found| found == line), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn components_are_taken_a_few_at_a_time() {
    let test_host = test_host();
    let places = u32::try_from(COMPONENTS_AT_ONCE_MAX).expect("a few");
    let taken = test_host.admin.components.try_acquire_many(places).expect("all are free");
    assert_eq!(test_host.ask_with_token("PUT /components").await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(taken);
    assert_eq!(test_host.ask_with_token("PUT /components").await.status, StatusCode::OK);
}

/// Serves the operator API on a socket.
async fn serves(host: &TestHost) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    host.tasks.spawn("operator", Arc::clone(&host.admin).serve(listener.into()));
    address
}

/// Sends `head`, with a `Host` and the token added, on `stream`, and returns the status of the answer.
async fn status_on(stream: &mut TcpStream, host: &TestHost, head: &str) -> Option<u16> {
    let request = format!("{head}\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", host.token());
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut line = [0; 12];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut line)).await.ok()?.ok()?;
    std::str::from_utf8(&line).ok()?.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn connections_without_a_token_keep_nobody_out() {
    let host = test_host();
    let address = serves(&host).await;
    let connect = async || TcpStream::connect(address).await.expect("it listens");
    let mut early = connect().await;
    assert_eq!(status_on(&mut early, &host, "GET /services HTTP/1.1").await, Some(200));
    let mut strangers = Vec::new();
    for _ in 0..300 {
        strangers.push(connect().await);
    }
    assert_eq!(status_on(&mut connect().await, &host, "GET /services HTTP/1.1").await, Some(200));
    let mut rest = [0; 4096];
    let _first_answer = early.read(&mut rest).await.expect("it is open");
    assert_eq!(status_on(&mut early, &host, "GET /services HTTP/1.1").await, Some(200), "its place is kept");
}

#[tokio::test]
async fn slow_uploads_keep_no_place_from_a_whole_one() {
    let host = test_host();
    let address = serves(&host).await;
    let mut slow = Vec::new();
    for _ in 0..2 * COMPONENTS_AT_ONCE_MAX {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let head = "PUT /components HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000";
        let request = format!("{head}\r\nAuthorization: Bearer {}\r\n\r\nslow", host.token());
        stream.write_all(request.as_bytes()).await.expect("it is taken");
        slow.push(stream);
    }
    while host.admin.uploads.available_permits() > UPLOADS_AT_ONCE_MAX - slow.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(host.ask_with_token("PUT /components").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_that_is_not_its_own_reaches_nothing() {
    let host = test_host();
    let mut stream = TcpStream::connect(serves(&host).await).await.expect("it listens");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n").await.expect("it is taken");
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.expect("an answer");
    assert_eq!(&line, b"HTTP/1.1 421");
}

#[tokio::test]
async fn a_host_that_other_machines_can_reach_says_so_at_its_start() {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let folder = tempfile::tempdir().expect("a folder");
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, certificate.cert.pem()).expect("a file");
    std::fs::write(&key, certificate.signing_key.serialize_pem()).expect("a file");
    let tls = format!("host.admin_tls_certificate = {chain:?}\nhost.admin_tls_key = {key:?}\n");
    let reached = "the operator API can be reached from other machines";
    let read = "without TLS: tokens can be read on their way";
    for (listen, tls, expected) in [
        ("127.0.0.1:8081", "", None),
        ("[::1]:8081", "", None),
        ("[::ffff:127.0.0.1]:8081", "", None),
        ("0.0.0.0:8081", "", Some(true)),
        ("10.1.2.3:8081", "", Some(true)),
        ("[::]:8081", "", Some(true)),
        ("0.0.0.0:8081", &tls, Some(false)),
    ] {
        let file = folder.path().join("log");
        let log = std::fs::File::create(&file).expect("a file");
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Arc::new(log)).finish();
        let installed = tracing::subscriber::set_default(subscriber);
        // A test on another thread may have reached this line of the log first, and found that nobody listens.
        tracing::callsite::rebuild_interest_cache();
        let _host = test_host_with(&format!("host.admin_listen = {listen:?}\n{tls}"));
        drop(installed);
        let log = std::fs::read_to_string(&file).expect("text");
        let found = log.contains(reached).then(|| log.contains(read));
        assert_eq!(found, expected, "{listen}: {log}");
        assert!(expected.is_none() || log.contains(&format!("listen={listen}")), "{listen}: {log}");
    }
}
