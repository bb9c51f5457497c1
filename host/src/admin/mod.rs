//! The operator's side: an HTTP API of its own, on a listener of its own, behind the admin token.
//!
//! Health, readiness and metrics need no token: what probes a host should hold no key to it.

mod apply;
mod backup;
mod call;
mod events;
mod health;
mod intents;
mod options;
mod releases;
mod request;
mod routes;
mod services;
mod stores;
#[cfg(test)]
mod tests;
mod token;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::Semaphore;

pub use token::{TOKEN_FILE, TokenFileError, kept_or_new};

use crate::call::Calls;
use crate::config::{AdminToken, Configuration};
use crate::events::Events;
use crate::gateway::{Body, Client, Handler, Listener, ServerSettings};
use crate::limits::{ADMIN_CONNECTIONS_MAX, COMPONENTS_AT_ONCE_MAX};
use crate::observe::Metrics;
use crate::observe::gateway::ConnectionMetrics;
use crate::release::Releases;
use crate::store::Stores;
use crate::tasks::{Stop, Tasks};
use request::Broken;

/// The operator's side of a running host.
#[derive(Debug)]
pub struct Admin {
    calls: Calls,
    releases: Releases,
    events: Events,
    stores: Stores,
    metrics: Metrics,
    token: AdminToken,
    /// What the host was started with.
    configuration: Configuration,
    body_bytes_max: usize,
    body_read_max: Duration,
    /// Places for components that are uploaded, or deployed.
    components: Semaphore,
    tasks: Tasks,
    stop: Stop,
    server: ServerSettings,
}

impl Admin {
    /// Puts the operator's side of a host together. Without a token in `configuration` the one in the data directory
    /// counts, which is made where there is none.
    ///
    /// # Errors
    ///
    /// [`TokenFileError`], when there is no token to ask for.
    pub fn new(
        configuration: &Configuration,
        calls: Calls,
        releases: Releases,
        events: Events,
        stores: Stores,
        metrics: Metrics,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, TokenFileError> {
        let manifest = &configuration.manifest;
        let token = match &configuration.admin_token {
            Some(token) => token.clone(),
            None => kept_or_new(&manifest.host.data)?,
        };
        // However crowded the public side is, the operator gets in: these places are its own.
        let mut server = ServerSettings::new(&manifest.gateway, manifest.host.drain_ms_max);
        server.connections_max = ADMIN_CONNECTIONS_MAX;
        server.connections_per_client_max = ADMIN_CONNECTIONS_MAX;
        Ok(Arc::new(Self {
            calls,
            releases,
            events,
            stores,
            metrics,
            token,
            configuration: configuration.clone(),
            body_bytes_max: manifest.gateway.body_bytes_max,
            body_read_max: Duration::from_millis(manifest.gateway.body_read_ms_max),
            components: Semaphore::new(COMPONENTS_AT_ONCE_MAX),
            tasks: tasks.clone(),
            stop: tasks.stop(),
            server,
        }))
    }

    /// Serves on `listener` until the tasks are told to stop, and resolves when the last connection has ended.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let (settings, tasks) = (self.server.clone(), self.tasks.clone());
        crate::gateway::serve(listener, self, &settings, ConnectionMetrics::new("operator"), &tasks).await;
    }
}

impl Handler for Admin {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _client: Client) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.map_err(Broken::from).boxed_unsync();
        self.respond(&head, body).await
    }
}
