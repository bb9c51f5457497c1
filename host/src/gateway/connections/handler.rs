//! State that all connections of one server share: the request handler and the limits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::server::conn::auto::Builder;

use super::activity::ConnectionTimeouts;
use super::client::Client;
use super::proxies::TrustedProxies;
use super::unread_answers::{UnreadAnswers, UnreadLimits};
use crate::config::GatewaySettings;
use crate::gateway::response::body::Body;
use crate::gateway::response::problem::Problem;
use crate::observe::gateway::ConnectionMetrics;
use crate::tasks::{Stop, Tasks};

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. Errors are answers too.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when the client disconnects; work that must continue is spawned.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> impl Future<Output = Response<Body>> + Send;

    /// The answer with `problem` when there is no request: the head cannot be parsed, or there are too many
    /// connections.
    fn refuse(&self, problem: Problem) -> Response<Body>;
}

/// The limits of a server's connections.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    pub connections_max: usize,
    pub connections_per_client_max: usize,
    pub header_bytes_max: usize,
    pub header_read_ms_max: u64,
    pub idle_ms_max: u64,
    pub streams_per_connection_max: u32,
    /// How long running requests may take to finish after the server is told to stop.
    pub drain_ms_max: u64,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Limits for connections that have not authenticated yet, if requests of this server authenticate their sender.
    pub unauthenticated: Option<UnauthenticatedLimits>,
    pub proxies: TrustedProxies,
    pub unread: UnreadLimits,
}

/// The limits of unauthenticated connections.
#[derive(Debug, Clone, Copy)]
pub struct UnauthenticatedLimits {
    pub connections_max: usize,
    pub time_max: Duration,
}

impl ServerSettings {
    /// The limits from `settings`, without TLS.
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
            unauthenticated: None,
            proxies: TrustedProxies::new(settings.trusted_proxies.clone(), settings.client_address_from),
            unread: UnreadLimits {
                per_connection_max: settings.unread_bytes_per_connection_max,
                per_client_max: settings.unread_bytes_per_client_max,
                in_all_max: settings.unread_bytes_max,
                bytes_per_second_min: settings.answer_bytes_per_second_min,
            },
        }
    }
}

/// Runs the requests of HTTP/2 connections as tasks.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct OnTasks(pub(super) Tasks);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for OnTasks {
    fn execute(&self, request: F) {
        self.0.spawn("request", request);
    }
}

/// State that all connections of one server share.
#[derive(Debug)]
pub(in crate::gateway) struct Shared<H> {
    pub(in crate::gateway) handler: Arc<H>,
    pub(in crate::gateway) http: Builder<OnTasks>,
    pub(in crate::gateway) header_bytes_max: usize,
    pub(in crate::gateway) tls: Option<Arc<rustls::ServerConfig>>,
    pub(in crate::gateway) timeouts: ConnectionTimeouts,
    pub(in crate::gateway) unauthenticated_time_max: Duration,
    pub(in crate::gateway) proxies: TrustedProxies,
    pub(in crate::gateway) unread: Arc<UnreadAnswers>,
    pub(in crate::gateway) drain: Duration,
    pub(in crate::gateway) stop: Stop,
    pub(in crate::gateway) metrics: ConnectionMetrics,
}
