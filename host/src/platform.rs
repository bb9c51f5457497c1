//! Starts and stops the whole host in order: contracts, stores, components, calls, and the two listeners last.

mod cluster;
mod descriptors;
mod error;
mod listen;
mod parts;
#[cfg(any(test, feature = "fail-points"))]
pub mod simulated;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

pub use crate::release::{Progress, check_files};
pub use cluster::reseed::Reseed;
pub use descriptors::{DescriptorError, fit_connections};
pub use error::{ReloadError, StartError, StopError};

use crate::clock;
use crate::config::Configuration;
use crate::observe::Metrics;
use crate::observe::gateway::connections_cut_off;
use crate::tasks::Tasks;
use cluster::Node;
use cluster::listeners::Listeners;
use listen::listen;
use parts::{Alone, Parts};

/// How long tasks may take to end after the last connection has closed.
const AFTER_DRAIN: Duration = Duration::from_secs(2);

/// A running host.
#[derive(Debug)]
pub struct Host {
    gateway: SocketAddr,
    admin: SocketAddr,
    tasks: Tasks,
    drain: Duration,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// It runs all calls itself.
    Alone(Box<Alone>),
    Node(Box<Node>),
}

/// Starts the host that `configuration` describes, and reports the start to `progress`; the host serves when this
/// returns.
///
/// # Errors
///
/// [`StartError`]; nothing is left running. Both addresses are taken first, so that a port in use is reported before
/// any other work.
pub async fn start(
    configuration: &Configuration,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Host, StartError> {
    let manifest = &configuration.manifest;
    let (public, admin) =
        (listen(manifest.host.listen, "listen").await?, listen(manifest.host.admin_listen, "admin").await?);
    let (metrics, tasks) = (Metrics::start(), Tasks::default());
    let address = |listener: &TcpListener| listener.local_addr().map_err(|source| StartError::Address { source });
    let addresses = (address(&public)?, address(&admin)?);
    let kind = if manifest.cluster.is_on() {
        let listeners = Listeners { public, operator: admin };
        cluster::start(configuration, listeners, &tasks, metrics).await.map(|node| Kind::Node(Box::new(node)))
    } else {
        let parts = tokio::task::block_in_place(|| Parts::make(manifest, &tasks, progress));
        let alone = parts.and_then(|parts| parts.serve(configuration, &tasks, &metrics, public, admin));
        alone.map(|alone| Kind::Alone(Box::new(alone)))
    };
    match kind {
        Ok(kind) => {
            let drain = Duration::from_millis(manifest.host.drain_ms_max);
            Ok(Host { gateway: addresses.0, admin: addresses.1, tasks, drain, kind })
        }
        Err(error) => {
            let _those_that_still_run = tasks.shut_down(Duration::ZERO).await;
            Err(error)
        }
    }
}

impl Host {
    /// The address of the public API.
    #[must_use]
    pub fn gateway_address(&self) -> SocketAddr {
        self.gateway
    }

    /// The address of the operator API.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Resolves when this host can take no part in its cluster any more, and why; never without a cluster.
    pub async fn failed(&self) -> Arc<StartError> {
        match &self.kind {
            Kind::Alone(_) => std::future::pending().await,
            Kind::Node(node) => node.failed().await,
        }
    }

    /// Reads the certificate and the file of the admin token again. Open connections continue.
    ///
    /// # Errors
    ///
    /// [`ReloadError`], for the first faulty file. Its earlier content stays in use, and all other files take effect.
    pub fn reload_files(&self) -> Result<(), ReloadError> {
        let alone = match &self.kind {
            Kind::Alone(alone) => alone,
            Kind::Node(node) => return node.reload_files(),
        };
        let certificate = alone.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload());
        // A token that was replaced must end now, whatever the certificate is.
        let operator = alone.operator.reload_files();
        certificate?;
        Ok(operator?)
    }

    /// Accepts no new connections, lets running requests finish, and closes the stores.
    ///
    /// # Errors
    ///
    /// Like [`Host::stop_or_cut`].
    pub async fn stop(self) -> Result<(), StopError> {
        self.stop_or_cut(std::future::pending()).await
    }

    /// Like [`Host::stop`]. Requests that still run at the end of the drain, or when `cut` resolves, are cut off, and a
    /// log line counts them.
    ///
    /// # Errors
    ///
    /// [`StopError`]; acknowledged data is kept in any case.
    pub async fn stop_or_cut(self, cut: impl Future<Output = ()>) -> Result<(), StopError> {
        let cut_before = connections_cut_off();
        // The listeners give their connections this long; the parts behind them get a little more time to end.
        let (began, time_max) = (clock::now(), self.drain + AFTER_DRAIN);
        let mut cut = pin!(cut);
        let mut is_cut = false;
        let ended = tokio::select! {
            ended = self.tasks.shut_down(time_max) => ended,
            () = &mut cut => {
                is_cut = true;
                match self.tasks.running() {
                    tasks if tasks.is_empty() => Ok(()),
                    tasks => Err(tasks),
                }
            }
        };
        let connections = connections_cut_off() - cut_before;
        if connections > 0 || ended.is_err() {
            let tasks = ended.as_ref().err().map(|tasks| tasks.join(", "));
            tracing::warn!(connections, tasks, "cut off the requests that were still running");
        }
        match self.kind {
            Kind::Alone(alone) => {
                let Alone { stores, traces, .. } = *alone;
                if let Some(traces) = traces.filter(|_| ended.is_ok() && !is_cut) {
                    // The last tasks may have ended spans.
                    tokio::select! {
                        () = traces.flush(time_max.saturating_sub(clock::elapsed(began))) => {}
                        () = cut => {}
                    }
                }
                tokio::task::spawn_blocking(move || stores.close()).await??;
            }
            Kind::Node(node) => tokio::task::spawn_blocking(move || node.stop()).await??,
        }
        ended.map_err(|tasks| StopError::Tasks { tasks })
    }
}
