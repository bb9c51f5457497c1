//! A collector that speaks OTLP over HTTP: it keeps the spans that it gets.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use switchyard::observe::traces::messages::{
    AnyValue, ExportTraceServiceRequest, ExportTraceServiceResponse, KeyValue, Span, Value,
};
use switchyard::tasks::Tasks;
use tokio::net::TcpListener;

/// The token that it demands.
pub(super) const TOKEN: &str = "Bearer token-of-the-collector";

pub(super) struct Collector {
    pub(super) address: SocketAddr,
    got: Arc<Mutex<Got>>,
    _tasks: Tasks,
}

#[derive(Default)]
struct Got {
    /// Exports that it still refuses.
    refusals: usize,
    /// Each export as it came.
    bodies: Vec<Bytes>,
}

impl Collector {
    /// One that is unavailable for the first exports.
    pub(super) async fn start(refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, tasks) = (listener.local_addr().unwrap(), Tasks::default());
        let got = Arc::new(Mutex::new(Got { refusals, bodies: Vec::new() }));
        let (kept, own) = (Arc::clone(&got), tasks.clone());
        tasks.spawn("collector", async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let got = Arc::clone(&got);
                let service = service_fn(move |request| answer(Arc::clone(&got), request));
                own.spawn("export", async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    // A host that stops may cut its last export.
                    let _cut = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, got: kept, _tasks: tasks }
    }

    /// The bytes of all exports.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.got.lock().unwrap().bodies.concat()
    }

    /// All exports so far.
    pub(super) fn exports(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.got.lock().unwrap().bodies.clone();
        bodies.into_iter().map(|body| ExportTraceServiceRequest::decode(body).unwrap()).collect()
    }

    /// All spans so far.
    pub(super) fn spans(&self) -> Spans {
        let resources = self.exports().into_iter().flat_map(|export| export.resource_spans);
        Spans(resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect())
    }
}

async fn answer(got: Arc<Mutex<Got>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/otlp/v1/traces"));
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-protobuf");
    assert_eq!(request.headers()["authorization"], TOKEN);
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut got = got.lock().unwrap();
    let mut response = Response::new(Full::new(ExportTraceServiceResponse::default().encode_to_vec().into()));
    if got.refusals > 0 {
        got.refusals -= 1;
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    } else {
        got.bodies.push(body);
    }
    Ok(response)
}

/// The text of an attribute, or its number as a text.
pub(super) fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<std::borrow::Cow<'a, str>> {
    let AnyValue { value } = attributes.iter().find(|found| found.key == key)?.value.as_ref()?;
    match value.as_ref()? {
        Value::StringValue(text) => Some(text.as_str().into()),
        Value::IntValue(number) => Some(number.to_string().into()),
    }
}

/// Spans of one host.
#[derive(Debug)]
pub(super) struct Spans(pub(super) Vec<Span>);

impl Spans {
    /// The spans of the trace of `span`.
    pub(super) fn of_trace(&self, trace: &[u8]) -> Self {
        Self(self.0.iter().filter(|span| span.trace_id == trace).cloned().collect())
    }

    /// The only span with this name.
    #[track_caller]
    pub(super) fn one(&self, name: &str) -> &Span {
        let mut found = self.0.iter().filter(|span| span.name == name);
        let first = found.next().unwrap_or_else(|| panic!("no span is called {name}: {:?}", self.tree()));
        assert!(found.next().is_none(), "several are called {name}: {:?}", self.tree());
        first
    }

    /// Each span as `parent > name`, sorted. A parent outside has its id.
    pub(super) fn tree(&self) -> Vec<String> {
        let line = |span: &Span| {
            let parent = self.0.iter().find(|other| other.span_id == span.parent_span_id);
            let id = || span.parent_span_id.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} > {}", parent.map_or_else(id, |parent| parent.name.clone()), span.name)
        };
        let mut lines: Vec<_> = self.0.iter().map(line).collect();
        lines.sort();
        lines
    }
}
