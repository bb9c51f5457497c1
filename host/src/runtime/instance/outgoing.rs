//! Outgoing requests: only to the hosts that the operator named, each over a separate connection.
//!
//! Invariant: a request of a call leaves the host only when everything that the call committed or read before is
//! durable.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::connection_limit::{ConnectionLimit, OpenConnection};
use super::public_address::is_public;
use super::shortage::Shortage;
use super::system_roots::system_roots;
use crate::config::{Grant, canonical};
use crate::names::{CommitSeq, ServiceName};
use crate::observe::LogLimits;
use crate::store::{Stopped, Store};

/// The longest time for a connection to open, and for a response to begin, unless the guest sets less.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The hosts that a component may send requests to, and the certificates to verify them.
#[derive(Debug, Clone)]
pub(in crate::runtime) struct Grants {
    granted: Arc<[Grant]>,
    tls: Option<Arc<ClientConfig>>,
    connections: ConnectionLimit,
}

impl Grants {
    /// It trusts the system's certificate authorities.
    pub(in crate::runtime) fn new(granted: &[Grant]) -> Self {
        let tls = (!granted.is_empty())
            .then(|| Arc::new(ClientConfig::builder().with_root_certificates(system_roots()).with_no_client_auth()));
        Self { granted: granted.into(), tls, connections: ConnectionLimit::of_release() }
    }

    pub(in crate::runtime) fn is_empty(&self) -> bool {
        self.granted.is_empty()
    }

    /// The host and port for a request to `authority`, if it is permitted.
    fn target(&self, scheme: &Scheme, authority: &Authority) -> Option<(String, u16)> {
        let port_usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
        let (asked, asked_port) = (canonical(authority.host()), authority.port_u16().unwrap_or(port_usual));
        let granted = |grant: &Grant| match grant {
            Grant::Host { host, port } => *host == asked && port.unwrap_or(port_usual) == asked_port,
            Grant::Range(_) => false,
        };
        self.granted.iter().any(granted).then_some((asked, asked_port))
    }

    /// The permitted addresses of `host`. The connection must use one of these, because a second lookup of the name may
    /// return others.
    async fn addresses(&self, log: &RequestLog, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let found = timeout(WAIT_MAX, lookup_host((host, port))).await.map_err(|_| Error::DnsTimeout)?;
        let (permitted, refused): (Vec<_>, Vec<_>) =
            found.map_err(Error::Connect)?.partition(|address| self.permits(host, address.ip()));
        if permitted.is_empty() && !refused.is_empty() {
            if log.allows("a granted host has a non-public address") {
                let service = &log.service;
                tracing::warn!(%service, host, ?refused, "a granted host has a non-public address: grant the address \
                    or its range");
            }
            return Err(Error::DestinationIpProhibited);
        }
        Ok(permitted)
    }

    /// Whether the granted `host` may resolve to `address`. The owner of a name chooses its addresses, which may be
    /// those of this machine or of its neighbours. A host that is granted by its address is that address.
    fn permits(&self, host: &str, address: IpAddr) -> bool {
        let in_range = |grant: &Grant| matches!(grant, Grant::Range(range) if range.contains(&address.to_canonical()));
        host.parse::<IpAddr>().is_ok() || is_public(address) || self.granted.iter().any(in_range)
    }
}

/// Whose requests they are, and which lines about them may be logged.
#[derive(Debug, Clone)]
pub(in crate::runtime) struct RequestLog {
    pub(in crate::runtime) service: ServiceName,
    pub(in crate::runtime) limits: Arc<LogLimits<&'static str>>,
}

impl RequestLog {
    fn allows(&self, line: &'static str) -> bool {
        self.limits.allows(line)
    }
}

/// Sends the requests of one instance.
pub(in crate::runtime) struct Outgoing {
    log: RequestLog,
    /// `None` if requests are denied, whatever the grants.
    grants: Option<Grants>,
    connections: ConnectionLimit,
    gate: Option<Gate>,
    /// Whether requests are only noted, because the run may do nothing but read.
    held_back: bool,
    shortage: Shortage,
    attempt: Attempt,
}

/// Whether a guest attempted a request that nobody sends: it has no grants, or may only read. Clones belong to the same run.
#[derive(Debug, Clone, Default)]
pub(in crate::runtime) struct Attempt(Arc<Attempted>);

#[derive(Debug, Default)]
struct Attempted {
    was_made: AtomicBool,
    noted: Notify,
}

impl Attempt {
    fn note(&self) {
        self.0.was_made.store(true, Ordering::Relaxed);
        self.0.noted.notify_one();
    }

    pub(in crate::runtime) fn was_made(&self) -> bool {
        self.0.was_made.load(Ordering::Relaxed)
    }

    /// Resolves when one is made.
    pub(in crate::runtime) async fn made(&self) {
        self.0.noted.notified().await;
    }
}

/// The condition for a request: the commits up to this number are durable.
#[derive(Debug, Clone)]
pub(in crate::runtime) struct Gate {
    pub(in crate::runtime) store: Store,
    pub(in crate::runtime) number: CommitSeq,
}

impl Outgoing {
    /// `shortage` gets what the machine lacks for a request.
    pub(in crate::runtime) fn new(log: RequestLog, grants: Option<Grants>, shortage: Shortage) -> Self {
        let (connections, attempt) = (ConnectionLimit::of_call(), Attempt::default());
        Self { log, grants, connections, gate: None, held_back: false, shortage, attempt }
    }

    /// Whether requests that nobody sends whatever the grants were attempted.
    pub(in crate::runtime) fn attempt(&self) -> Attempt {
        self.attempt.clone()
    }

    /// What the machine lacked for a request.
    pub(in crate::runtime) fn shortage(&self) -> Option<&str> {
        self.shortage.get()
    }

    /// From now on requests wait for `gate`.
    pub(in crate::runtime) fn gate(&mut self, gate: Option<Gate>) {
        self.gate = gate;
    }

    /// From now on requests that are permitted are only noted, or are sent.
    pub(in crate::runtime) fn hold_back(&mut self, held_back: bool) {
        self.held_back = held_back;
    }
}

/// A response, and the work of its connection while its body is read.
type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _written: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let uri = request.uri();
        let (Some(scheme), Some(authority)) = (uri.scheme().cloned(), uri.authority()) else {
            return Box::new(std::future::ready(Err(Error::HttpRequestUriInvalid)));
        };
        let service = &self.log.service;
        let Some(grants) = &self.grants else {
            self.attempt.note();
            if self.log.allows("a request during a rehearsal") {
                tracing::warn!(%service, %authority, "a request during a rehearsal, a migration or a smoke call was \
                    denied");
            }
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        };
        let Some((host, port)) = grants.target(&scheme, authority) else {
            if self.log.allows("a request was denied") {
                tracing::warn!(%service, %authority, "a request was denied: its host is not in outbound_hosts");
            }
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        };
        if self.held_back {
            self.attempt.note();
            // Whoever runs the guest ends it.
            return Box::new(std::future::pending());
        }
        let counted = match self.connections.enter(&grants.connections) {
            Ok(counted) => counted,
            Err(error) => {
                if self.log.allows("a request was refused") {
                    tracing::warn!(%service, %authority, %error, "a request was refused");
                }
                return Box::new(std::future::ready(Err(Error::ConnectionLimitReached)));
            }
        };
        let tls = grants.tls.clone().filter(|_| scheme == Scheme::HTTPS).map(TlsConnector::from);
        let (gate, grants, log) = (self.gate.clone(), grants.clone(), self.log.clone());
        let shortage = self.shortage.clone();
        Box::new(async move {
            if let Some(Gate { store, number }) = gate {
                let stopped = |stopped: Stopped| Error::InternalError(Some(stopped.to_string()));
                store.wait_durable(number).await.map_err(stopped)?;
            }
            let sent = async {
                let addresses = grants.addresses(&log, &host, port).await?;
                send(request, options.unwrap_or_default(), (host, addresses), tls, counted).await
            };
            sent.await.inspect_err(|error| {
                if let Error::Connect(error) = error {
                    shortage.note(error);
                }
            })
        })
    }
}

async fn send(
    request: Request<WasiBody>,
    options: RequestOptions,
    (host, addresses): (String, Vec<SocketAddr>),
    tls: Option<TlsConnector>,
    counted: OpenConnection,
) -> Result<Sent, Error> {
    let wait = |wait: Option<Duration>| wait.unwrap_or(WAIT_MAX).min(WAIT_MAX);
    let connect = async {
        let plain = TcpStream::connect(&*addresses).await.map_err(Error::Connect)?;
        let Some(tls) = tls else { return Ok::<Box<dyn Connection>, Error>(Box::new(plain)) };
        let name = ServerName::try_from(host).map_err(|_| Error::HttpRequestUriInvalid)?;
        let secret = tls.connect(name, plain).await.map_err(Error::Tls)?;
        Ok(Box::new(secret))
    };
    let connection = timeout(wait(options.connect_timeout), connect).await.map_err(|_| Error::ConnectionTimeout)??;
    let answered = exchange(connection, request, counted);
    timeout(wait(options.first_byte_timeout), answered).await.map_err(|_| Error::ConnectionReadTimeout)?
}

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Sends `request` over `connection`, and waits until its response begins. The connection counts while its work goes on.
async fn exchange(
    connection: Box<dyn Connection>,
    mut request: Request<WasiBody>,
    counted: OpenConnection,
) -> Result<Sent, Error> {
    // A server expects only a path; scheme and host are for proxies.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(path).map_err(|_| Error::HttpRequestUriInvalid)?;
    let (mut sender, driver) = http1::handshake(TokioIo::new(connection)).await?;
    let mut driver = Box::pin(driver);
    let mut response = Box::pin(sender.send_request(request));
    let (response, driven) = tokio::select! {
        response = &mut response => (response?, false),
        ended = &mut driver => {
            ended?;
            (response.await?, true)
        }
    };
    let rest = async move {
        let _counted = counted;
        if driven { Ok(()) } else { driver.await.map_err(Error::from) }
    };
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), Box::new(rest)))
}

#[cfg(test)]
mod tests;
