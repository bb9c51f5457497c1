//! The collector: a server that gets spans by OTLP over HTTP (OpenTelemetry Protocol 1.x, section "OTLP/HTTP").

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::messages::ExportTraceServiceResponse;
use crate::limits::TELEMETRY_ANSWER_BYTES_MAX;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("switchyard/", env!("CARGO_PKG_VERSION")));

/// Why the collector cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    #[error("{endpoint} is no address of a collector: write for example `http://127.0.0.1:4318`")]
    Endpoint { endpoint: String },
    #[error("the system has no certificates of authorities, which an `https` collector needs")]
    NoCertificates,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExportError {
    #[error("it cannot be reached")]
    Connect(#[source] io::Error),
    #[error("the exchange failed")]
    Exchange(#[source] hyper::Error),
    #[error("it gave no answer within {timeout:?}")]
    TimedOut { timeout: Duration },
    #[error("it answered {status}")]
    Status { status: StatusCode, retry_after: Option<Duration> },
}

impl ExportError {
    /// Whether the same export may succeed later: the four statuses are those of the protocol.
    pub(super) fn may_retry(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Exchange(_) | Self::TimedOut { .. } => true,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    /// How long the collector asks to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Collector {
    host: String,
    port: u16,
    authority: HeaderValue,
    path: PathAndQuery,
    headers: HeaderMap,
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

/// Whether `endpoint` is the base address of a collector: `http` or `https`, a host, and maybe a path. It has no user, which
/// would be a secret in the manifest.
#[must_use]
pub fn is_endpoint(endpoint: &str) -> bool {
    parse(endpoint).is_some()
}

fn parse(endpoint: &str) -> Option<Uri> {
    let uri: Uri = endpoint.parse().ok()?;
    let is_http = [&Scheme::HTTP, &Scheme::HTTPS].into_iter().any(|scheme| uri.scheme() == Some(scheme));
    let host =
        uri.authority().is_some_and(|authority| !authority.as_str().contains('@') && !authority.host().is_empty());
    (is_http && host && uri.query().is_none() && !endpoint.contains('#')).then_some(uri)
}

impl Collector {
    /// The collector at `endpoint`, which gets `headers` with each export and may take `timeout` for it.
    pub(super) fn new(endpoint: &str, headers: HeaderMap, timeout: Duration) -> Result<Self, CollectorError> {
        let unusable = || CollectorError::Endpoint { endpoint: endpoint.into() };
        let uri = parse(endpoint).ok_or_else(unusable)?;
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let authority = uri.authority().ok_or_else(unusable)?;
        let host = authority.host();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // As for `OTEL_EXPORTER_OTLP_ENDPOINT`, the path of the signal is added to the base address.
        let path = format!("{}/v1/traces", uri.path().trim_end_matches('/'));
        Ok(Self {
            host: bare.into(),
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| unusable())?,
            path: path.parse().map_err(|_| unusable())?,
            headers,
            tls: if is_tls { Some(trust()?) } else { None },
            timeout,
        })
    }

    /// Exports `body`; returns the number of spans that the collector rejected.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the collector may have the spans or not.
    pub(super) async fn export(&self, body: Bytes) -> Result<u64, ExportError> {
        let exported = tokio::time::timeout(self.timeout, self.exchange(body)).await;
        exported.unwrap_or(Err(ExportError::TimedOut { timeout: self.timeout }))
    }

    async fn exchange(&self, body: Bytes) -> Result<u64, ExportError> {
        let stream = self.connect().await.map_err(ExportError::Connect)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(ExportError::Exchange)?;
        let exchange = async {
            let answer = sender.send_request(self.request(body)).await.map_err(ExportError::Exchange)?;
            let (status, retry_after) = (answer.status(), retry_after(answer.headers()));
            if !status.is_success() {
                return Err(ExportError::Status { status, retry_after });
            }
            let answer = Limited::new(answer.into_body(), TELEMETRY_ANSWER_BYTES_MAX).collect().await;
            Ok(answer.map_or(0, |answer| rejected(answer.to_bytes())))
        };
        let mut exchange = pin!(exchange);
        tokio::select! {
            biased;
            result = &mut exchange => result,
            // Whatever ended the connection, the exchange has the answer or the error.
            _ended = connection => exchange.await,
        }
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from(self.path.clone());
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        headers.insert(HOST, self.authority.clone());
        headers.insert(CONTENT_TYPE, PROTOBUF);
        headers.insert(USER_AGENT, AGENT);
        request
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let plain = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let Some(tls) = &self.tls else { return Ok(Box::new(plain)) };
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, plain).await?))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Trusts the system's certificates of authorities.
fn trust() -> Result<Arc<ClientConfig>, CollectorError> {
    let mut roots = RootCertStore::empty();
    // A certificate that cannot be read is not trusted; the handshake then reports which one is missing.
    let (usable, _unusable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        return Err(CollectorError::NoCertificates);
    }
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().expect("the provider has suites of TLS 1.2 and 1.3");
    Ok(Arc::new(client.with_root_certificates(roots).with_no_client_auth()))
}

/// The spans that a collector rejected of those that it got, by its answer. An answer that is no message rejects none.
fn rejected(answer: Bytes) -> u64 {
    let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
    answer.partial_success.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0))
}

/// The seconds of a `Retry-After`. A date is ignored: the host waits as without the header.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    Some(Duration::from_secs(headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?))
}
