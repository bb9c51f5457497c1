//! A gateway on a loopback socket with a tiny contract, in front of a callee whose answers depend on the arguments.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use wasmtime::component::Val;

use crate::call::{Answer, CallError, HttpCaller, Mount, Origin, Reply, RequestKey, RootCall, Routing, Worlds};
use crate::config::{ClientAddressFrom, GatewaySettings};
use crate::contract::Contracts;
use crate::gateway::{
    Body, Callee, Certificate, Client, Gateway, Handler, IncomingBody, Listener, Problem, public_listener, serve,
};
use crate::names::{Identity, RequestId, ServiceName};
use crate::observe::gateway::ConnectionMetrics;
use crate::observe::traces::ParentSpan;
use crate::tasks::Tasks;

const CONTRACT: &str = r#"
package test:notes@1.0.0;

interface notes {
    record note { id: string, text: string }
    record new-note { text: string, priority: option<u8> }
    variant problem {
        /// `404`
        not-found(string),
    }

    /// `GET /notes/{id}?verbose`
    get-note: func(id: string, verbose: option<bool>) -> result<note, problem>;
    /// `GET /notes?limit&tag`
    list-notes: func(limit: u8, tag: option<string>) -> result<note, problem>;
    /// `POST /notes -> 201`
    add-note: func(details: new-note) -> result<note, problem>;
    /// `POST /notes/{id}/close`
    ///
    /// `at most 100 at once`
    close-note: func(id: string) -> result<note, problem>;
    /// `DELETE /notes/{id}` for `staff`
    remove-note: func(id: string) -> result<_, problem>;
    /// Only other services call it.
    internal: func();
}

world notes-service {
    export notes;
}
"#;

/// Answers by the first argument: a number is the length of a long text, some words are failures, and the rest is
/// returned.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    routing: Arc<Routing>,
    /// Calls of the note `wait` end when this semaphore has a permit.
    pub(super) gate: Arc<Semaphores>,
    /// The keys of the calls, in order.
    pub(super) keys: Arc<Mutex<Vec<Option<RequestKey>>>>,
}

#[derive(Debug)]
pub(super) struct Semaphores {
    pub(super) entered: Semaphore,
    pub(super) leave: Semaphore,
    pub(super) done: AtomicUsize,
}

impl Default for Semaphores {
    fn default() -> Self {
        Self { entered: Semaphore::new(0), leave: Semaphore::new(0), done: AtomicUsize::new(0) }
    }
}

impl Callee for Callback {
    fn routing(&self) -> Arc<Routing> {
        Arc::clone(&self.routing)
    }

    /// Its routing never changes.
    fn set_routing_observer(&self, _prepare: impl Fn(&Worlds) + Send + Sync + 'static) {}

    async fn call(&self, root: RootCall, _routing: &Routing, _origin: Origin<'_>) -> Result<Reply, CallError> {
        let new = Reply::new;
        self.keys.lock().expect("no test panics with it").push(root.key);
        let service = root.service;
        let asked = match root.arguments.first() {
            Some(Val::String(text)) => text.clone(),
            _ => String::new(),
        };
        let text = match asked.as_str() {
            "trap" => return Err(CallError::Failed { service }),
            "late" => return Err(CallError::Deadline { service }),
            "full" => return Err(CallError::Unavailable { service, why: "no slot", retry_after_s: 7 }),
            "missing" => {
                let detail = Val::String("There is no such note.".into());
                return Ok(new(Answer::Err(Some(Val::Variant("not-found".into(), Some(Box::new(detail)))))));
            }
            "wait" => {
                self.gate.entered.add_permits(1);
                self.gate.leave.acquire().await.expect("it is open").forget();
                self.gate.done.fetch_add(1, Ordering::SeqCst);
                "waited".into()
            }
            number if number.parse::<usize>().is_ok() => "x".repeat(number.parse().expect("a number")),
            _ => format!("{:?}", root.arguments),
        };
        if root.function.ok.is_none() {
            return Ok(new(Answer::Ok(None)));
        }
        let fields = vec![("id".to_owned(), Val::String(asked)), ("text".to_owned(), Val::String(text))];
        Ok(new(Answer::Ok(Some(Val::Record(fields)))))
    }

    /// Answers with a description of the request.
    async fn serve(
        &self,
        service: &ServiceName,
        request: Request<IncomingBody>,
        _caller: HttpCaller,
        _routing: &Routing,
        _origin: Origin<'_>,
    ) -> Result<Response<Body>, CallError> {
        let uri = request.uri().to_string();
        let body = match request.into_body().collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(error) => error.to_string(),
        };
        Ok(Response::new(Body::from(Bytes::from(format!("{service} {uri} {body}")))))
    }

    async fn authenticate(
        &self,
        token: &str,
        _request: &RequestId,
        _routing: &Routing,
        _origin: Origin<'_>,
        _parent: &ParentSpan,
    ) -> Result<Option<Identity>, CallError> {
        let identity = Identity { id: "a-1".into(), role: token.into(), session: None };
        Ok(Some(identity).filter(|_| matches!(token, "customer" | "staff")))
    }
}

/// Answers like a node that follows, and with 421 what the leader has to answer: its body says what the request needs.
#[derive(Debug)]
struct Following(Arc<Gateway<Callback>>);

impl Handler for Following {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let kind = self.0.reads(request.method(), request.uri());
        self.0.read(request, client).await.unwrap_or_else(|_for_the_leader| {
            let mut response = Response::new(Body::from(Bytes::from(format!("{kind:?}"))));
            *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
            response
        })
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        self.0.refuse(problem)
    }
}

/// A running gateway.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) address: SocketAddr,
    pub(super) tasks: Tasks,
    pub(super) callback: Callback,
    pub(super) certificate: Option<Arc<Certificate>>,
}

pub(super) fn settings() -> GatewaySettings {
    GatewaySettings {
        tls_certificate: None,
        tls_key: None,
        assets: None,
        connections_max: 100,
        connections_per_client_max: 100,
        header_bytes_max: 8192,
        header_read_ms_max: 10_000,
        body_bytes_max: 1000,
        body_read_ms_max: 10_000,
        idle_ms_max: 10_000,
        streams_per_connection_max: 10,
        requests_per_second_per_client: None,
        request_burst_per_client: None,
        costly_calls_per_minute_per_client: 10_000_000,
        calls_per_minute_per_client: std::collections::BTreeMap::new(),
        cors_origins: vec![],
        trusted_proxies: vec![],
        client_address_from: ClientAddressFrom::XForwardedFor,
        unread_bytes_per_connection_max: 1 << 24,
        unread_bytes_per_client_max: 1 << 26,
        unread_bytes_max: 1 << 28,
        answer_bytes_per_second_min: 2_048,
        content_security_policy: "default-src 'self'; frame-ancestors 'none'".into(),
        asset_max_age_s: 300,
        compress_bytes_min: 1000,
        access_log: true,
        authentication_cache_ms_max: 0,
    }
}

/// A mount under `/raw`, with bodies of 1000 bytes.
pub(super) fn raw_mount() -> Mount {
    Mount {
        prefix: "/raw".into(),
        service: ServiceName::parse("web").expect("a name"),
        strip_prefix: false,
        body_bytes_max: 1000,
        stream_ms_max: 10_000,
    }
}

impl Rig {
    pub(super) async fn start(change: impl FnOnce(&mut GatewaySettings)) -> Self {
        Self::with(change, vec![], 10_000).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut GatewaySettings), mounts: Vec<Mount>, drain_ms_max: u64) -> Self {
        let (gateway, callback, tasks) = Self::gateway(change, mounts, drain_ms_max);
        let (listener, address) = Self::listen().await;
        let certificate = gateway.certificate().cloned();
        tasks.spawn("gateway", gateway.serve(listener));
        Self { address, tasks, callback, certificate }
    }

    /// The gateway of a node that follows, behind which there is no leader: see [`Following`].
    pub(super) async fn following(change: impl FnOnce(&mut GatewaySettings)) -> Self {
        let (gateway, callback, tasks) = Self::gateway(change, vec![raw_mount()], 10_000);
        let (listener, address) = Self::listen().await;
        let (server, certificate) = public_listener(&settings(), 10_000).expect("they are right");
        let group = tasks.clone();
        tasks.spawn("gateway", async move {
            serve(listener, Arc::new(Following(gateway)), &server, ConnectionMetrics::new("public"), &group).await;
        });
        Self { address, tasks, callback, certificate }
    }

    async fn listen() -> (Listener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        (listener.into(), address)
    }

    fn gateway(
        change: impl FnOnce(&mut GatewaySettings),
        mounts: Vec<Mount>,
        drain_ms_max: u64,
    ) -> (Arc<Gateway<Callback>>, Callback, Tasks) {
        let mut settings = settings();
        change(&mut settings);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("notes")).expect("a folder");
        std::fs::write(folder.path().join("notes/notes.wit"), CONTRACT).expect("a file");
        let contracts = Contracts::read(folder.path()).expect("the contract is right");
        let world = contracts.world("test:notes/notes-service").expect("it is there");
        let service = ServiceName::parse("notes").expect("a name");
        let routing = Arc::new(Routing::of_contracts([(service, world)].into()).with_mounts(mounts));
        let (tasks, callback) = (Tasks::default(), Callback { routing, gate: Arc::default(), keys: Arc::default() });
        let gateway = Gateway::new(&settings, drain_ms_max, callback.clone(), &tasks).expect("it is right");
        (gateway, callback, tasks)
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends `bytes` on a new connection, and returns everything until it is closed.
    pub(super) async fn exchange(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.expect("it is read");
        read_to_end(&mut stream).await
    }

    /// Retries until one more connection is accepted.
    pub(super) async fn wait_for_room(&self) {
        while self.ask("GET /notes/a", "", b"").await.status != 200 {}
    }

    /// Sends one request with the id `r-1`, and returns its answer.
    pub(super) async fn ask(&self, line: &str, headers: &str, body: &[u8]) -> Answered {
        let mut request = format!("{line} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n{headers}");
        if !headers.to_lowercase().contains("x-request-id") {
            request.push_str("X-Request-Id: r-1\r\n");
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        Answered::parse(&self.exchange(&bytes).await)
    }
}

/// Reads to the end. A connection that stays open fails the test.
pub(super) async fn read_to_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
    // A reset counts as the end too, and the bytes read before stay valid.
    let _reset = read.expect("the connection is closed");
    bytes
}

/// A parsed answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answered {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().expect("a line").split(' ').nth(1).expect("a status").parse().expect("a number");
        let headers = lines.map(|line| line.split_once(": ").expect("a header"));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: bytes[end + 4..].to_vec() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}
