//! A listener and its connections: taken while there is room, served by one handler, drained at shutdown.
//!
//! The public side and the operator's side are both such servers, each with a handler of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::activity::Patience;
use super::body::Body;
use super::client::{Client, Connections};
use super::connection::{self, Held};
use super::listener::Listener;
use super::problem;
use crate::config::GatewaySettings;
use crate::observe::LogLimit;
use crate::observe::gateway::ConnectionMetrics;
use crate::tasks::{Stop, Tasks};

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Every request gets an answer: what goes wrong is one too.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the client goes away; what must go on then is spawned.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The bounds of a server's connections.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    pub connections_max: usize,
    pub connections_per_client_max: usize,
    pub header_bytes_max: usize,
    pub header_read_ms_max: u64,
    pub idle_ms_max: u64,
    pub streams_per_connection_max: u32,
    /// How long requests under way may take to end once the server is told to stop.
    pub drain_ms_max: u64,
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl ServerSettings {
    /// The bounds that `settings` sets, without TLS.
    #[must_use]
    pub fn new(settings: &GatewaySettings, drain_ms_max: u64) -> Self {
        Self {
            connections_max: settings.connections_max,
            connections_per_client_max: settings.connections_per_client_max,
            header_bytes_max: settings.header_bytes_max,
            header_read_ms_max: settings.header_read_ms_max,
            idle_ms_max: settings.idle_ms_max,
            streams_per_connection_max: settings.streams_per_connection_max,
            drain_ms_max,
            tls: None,
        }
    }
}

/// Runs the requests of HTTP/2 connections.
#[derive(Debug, Clone)]
pub(super) struct OnTasks(Tasks);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnTasks {
    fn execute(&self, request: F) {
        self.0.spawn("request", request);
    }
}

/// What the connections of one server share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    pub(super) handler: Arc<H>,
    pub(super) http: Builder<OnTasks>,
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    pub(super) patience: Patience,
    pub(super) drain: Duration,
    pub(super) stop: Stop,
    pub(super) metrics: ConnectionMetrics,
}

/// Serves `handler` on `listener` until `tasks` is told to stop.
///
/// It resolves when the last connection has ended: idle ones at once, the others when their requests are answered,
/// all of them after `drain_ms_max`.
///
/// # Cancel safety
///
/// Dropping the future closes the listener; connections that are open go on.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: Arc<H>,
    settings: &ServerSettings,
    metrics: ConnectionMetrics,
    tasks: &Tasks,
) {
    let connections = Connections::new(settings.connections_max, settings.connections_per_client_max);
    let shared = Arc::new(Shared {
        handler,
        http: protocols(settings, tasks),
        tls: settings.tls.clone(),
        patience: Patience {
            head: Duration::from_millis(settings.header_read_ms_max),
            idle: Duration::from_millis(settings.idle_ms_max),
        },
        drain: Duration::from_millis(settings.drain_ms_max),
        stop: tasks.stop(),
        metrics,
    });
    let Some(socket) = listener.socket() else { return };
    let (open, mut all_ended) = mpsc::channel(1);
    let (mut stop, refused) = (tasks.stop(), LogLimit::default());
    loop {
        let stream = tokio::select! {
            biased;
            () = stop.wait() => break,
            stream = accept(&socket, &refused) => stream,
        };
        let Some((stream, client)) = stream else { continue };
        match connections.take(client.key) {
            Ok(place) => {
                let held = Held { _place: place, _open: open.clone() };
                tasks.spawn("connection", connection::run(Arc::clone(&shared), stream, client, held));
            }
            Err(crowded) => {
                shared.metrics.refused(crowded.name());
                if shared.tls.is_none() {
                    // Best effort: a new connection's buffer takes it, and a client that is not told sees it closed.
                    let _unsent = stream.try_write(problem::crowded(crowded));
                }
            }
        }
    }
    listener.close();
    drop((socket, open));
    while all_ended.recv().await.is_some() {}
}

/// The next connection; nothing where the client was gone before it was taken, or the system had no room for it.
async fn accept(listener: &TcpListener, refused: &LogLimit) -> Option<(TcpStream, Client)> {
    match listener.accept().await {
        Ok((stream, address)) => {
            // Answers are written whole: waiting to gather more only delays them.
            stream.set_nodelay(true).ok()?;
            Some((stream, Client::new(address)))
        }
        Err(error) => {
            // A client that went away leaves its error on the accept; anything else (no file descriptors) passes only
            // with time, and trying at once would spin.
            if error.kind() != std::io::ErrorKind::ConnectionAborted {
                if refused.allows() {
                    tracing::warn!(%error, "cannot accept a connection");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None
        }
    }
}

fn protocols(settings: &ServerSettings, tasks: &Tasks) -> Builder<OnTasks> {
    let header_bytes_max = u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX);
    let mut builder = Builder::new(OnTasks(tasks.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection's own watch does it, with one timer for all requests instead of one each.
        .header_read_timeout(None)
        // A head has to fit into the buffer; hyper takes no smaller one.
        .max_buf_size(settings.header_bytes_max.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_per_connection_max)
        .max_header_list_size(header_bytes_max);
    builder
}
