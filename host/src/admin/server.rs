//! The operator's side of a running host: what it works with, and its listener.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::token_file::{TokenFileError, kept_or_new};
use crate::call::Calls;
use crate::config::{AdminToken, Configuration};
use crate::events::Events;
use crate::gateway::{Listener, ServerSettings};
use crate::limits::{ADMIN_CONNECTIONS_MAX, COMPONENTS_AT_ONCE_MAX};
use crate::observe::Metrics;
use crate::observe::gateway::ConnectionMetrics;
use crate::release::Releases;
use crate::store::Stores;
use crate::tasks::{Stop, Tasks};

/// The operator's side of a running host.
#[derive(Debug)]
pub struct Admin {
    pub(super) calls: Calls,
    pub(super) releases: Releases,
    pub(super) events: Events,
    pub(super) stores: Stores,
    pub(super) metrics: Metrics,
    pub(super) token: ArcSwap<AdminToken>,
    /// What the host was started with.
    pub(super) configuration: Configuration,
    pub(super) body_bytes_max: usize,
    pub(super) body_read_max: Duration,
    /// Places for components that are uploaded, or deployed.
    pub(super) components: Semaphore,
    pub(super) tasks: Tasks,
    pub(super) stop: Stop,
    pub(super) server: ServerSettings,
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
        let token = ArcSwap::from_pointee(token(configuration)?);
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

    /// Reads the token of the data directory again: from now on it is the one that counts.
    ///
    /// # Errors
    ///
    /// [`TokenFileError`]; the token from before stays.
    pub fn read_token_again(&self) -> Result<(), TokenFileError> {
        self.token.store(Arc::new(token(&self.configuration)?));
        Ok(())
    }

    /// Serves on `listener` until the tasks are told to stop, and resolves when the last connection has ended.
    pub async fn serve(self: Arc<Self>, listener: Listener) {
        let (settings, tasks) = (self.server.clone(), self.tasks.clone());
        crate::gateway::serve(listener, self, &settings, ConnectionMetrics::new("operator"), &tasks).await;
    }
}

fn token(configuration: &Configuration) -> Result<AdminToken, TokenFileError> {
    match &configuration.admin_token {
        Some(token) => Ok(token.clone()),
        None => kept_or_new(&configuration.manifest.host.data),
    }
}
