//! The operator API of a running host: its state and its listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::token_file::{TokenFileError, kept_or_new};
use crate::call::Calls;
use crate::config::{AdminToken, Configuration, Manifest};
use crate::events::Events;
use crate::gateway::{Certificate, Listener, ServerSettings, TlsError, TrustedProxies, UnauthenticatedLimits};
use crate::limits::{
    ADMIN_CONNECTIONS_MAX, ADMIN_UNAUTHENTICATED_MAX, ADMIN_UNAUTHENTICATED_TIME_MAX, COMPONENTS_AT_ONCE_MAX,
    LOG_READERS_MAX, UPLOADS_AT_ONCE_MAX,
};
use crate::observe::Metrics;
use crate::observe::gateway::ConnectionMetrics;
use crate::release::Releases;
use crate::store::Stores;
use crate::tasks::{Stop, Tasks};

/// Why the operator API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminStartError {
    #[error(transparent)]
    Token(#[from] TokenFileError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The operator API of a running host.
#[derive(Debug)]
pub struct Admin {
    pub(super) calls: Calls,
    pub(super) releases: Releases,
    pub(super) events: Events,
    pub(super) stores: Stores,
    pub(super) metrics: Metrics,
    pub(super) token: ArcSwap<AdminToken>,
    certificate: Option<Arc<Certificate>>,
    /// The configuration at the start of the host.
    pub(super) configuration: Configuration,
    pub(super) body_bytes_max: usize,
    pub(super) body_read_max: Duration,
    /// Slots for components that are being received, each into a file.
    pub(super) uploads: Semaphore,
    /// Slots for components in memory, to be stored or judged.
    pub(super) components: Semaphore,
    /// Slots for requests that read the recent log.
    pub(super) log_readers: Semaphore,
    pub(super) tasks: Tasks,
    pub(super) stop: Stop,
    pub(super) server: ServerSettings,
}

impl Admin {
    /// Builds the operator API of a host. Without a token in `configuration`, it uses the one in the data directory,
    /// and creates that if it is missing.
    ///
    /// # Errors
    ///
    /// [`AdminStartError`] if there is no usable token, or the certificate is not valid.
    pub fn new(
        configuration: &Configuration,
        calls: Calls,
        releases: Releases,
        events: Events,
        stores: Stores,
        metrics: Metrics,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, AdminStartError> {
        let manifest = &configuration.manifest;
        let token = ArcSwap::from_pointee(token(configuration)?);
        let (server, certificate) = listener_settings(manifest)?;
        Ok(Arc::new(Self {
            calls,
            releases,
            events,
            stores,
            metrics,
            token,
            certificate,
            configuration: configuration.clone(),
            body_bytes_max: manifest.gateway.body_bytes_max,
            body_read_max: Duration::from_millis(manifest.gateway.body_read_ms_max),
            uploads: Semaphore::new(UPLOADS_AT_ONCE_MAX),
            components: Semaphore::new(COMPONENTS_AT_ONCE_MAX),
            log_readers: Semaphore::new(LOG_READERS_MAX),
            tasks: tasks.clone(),
            stop: tasks.stop(),
            server,
        }))
    }

    /// Reads the certificate and the token of the data directory again; both take effect at once.
    ///
    /// # Errors
    ///
    /// [`AdminStartError`], for the first faulty file. Its earlier content stays in use, and the other file takes effect.
    pub fn reload_files(&self) -> Result<(), AdminStartError> {
        let token = token(&self.configuration).map(|token| self.token.store(Arc::new(token)));
        let certificate = self.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload());
        token?;
        Ok(certificate?)
    }

    /// Serves on `listener` until the tasks are told to stop; resolves when the last connection has ended.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let (settings, tasks) = (self.server.clone(), self.tasks.clone());
        crate::gateway::serve(listener, self, &settings, ConnectionMetrics::new("operator"), &tasks).await;
    }
}

/// The settings of the operator's listener, and its certificate.
pub(super) fn listener_settings(
    manifest: &Manifest,
) -> Result<(ServerSettings, Option<Arc<Certificate>>), AdminStartError> {
    // Its slots are separate, so that the operator can connect even when the public API is crowded.
    let mut server = ServerSettings::new(&manifest.gateway, manifest.host.drain_ms_max);
    server.connections_max = ADMIN_CONNECTIONS_MAX;
    server.connections_per_client_max = ADMIN_CONNECTIONS_MAX;
    let (connections_max, time_max) = (ADMIN_UNAUTHENTICATED_MAX, ADMIN_UNAUTHENTICATED_TIME_MAX);
    server.unauthenticated = Some(UnauthenticatedLimits { connections_max, time_max });
    server.proxies = TrustedProxies::none();
    let certificate = match (&manifest.host.admin_tls_certificate, &manifest.host.admin_tls_key) {
        (Some(certificate), Some(key)) => Some(Certificate::read(certificate, key)?),
        // The configuration check refuses one without the other.
        _ => None,
    };
    server.tls = certificate.as_ref().map(Certificate::server);
    warn_if_exposed(manifest.host.admin_listen, server.tls.is_some());
    Ok((server, certificate))
}

/// Warns if only the token protects an address that other machines can reach.
fn warn_if_exposed(listen: SocketAddr, tls: bool) {
    match (listen.ip().to_canonical().is_loopback(), tls) {
        (true, _) => {}
        (false, true) => tracing::warn!(%listen, "the operator API can be reached from other machines"),
        (false, false) => tracing::warn!(
            %listen,
            "the operator API can be reached from other machines, and without TLS: tokens can be read on their way. \
             Set host.admin_tls_certificate and host.admin_tls_key, or listen on 127.0.0.1"
        ),
    }
}

pub(super) fn token(configuration: &Configuration) -> Result<AdminToken, TokenFileError> {
    match &configuration.admin_token {
        Some(token) => Ok(token.clone()),
        None => kept_or_new(&configuration.manifest.host.data),
    }
}
