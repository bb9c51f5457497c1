//! Starts and stops the whole host in order: contracts, stores, components, calls, and the two listeners last.

mod error;
mod services;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use error::{StartError, StopError};
pub use services::Progress;

use crate::admin::{Admin, Operator};
use crate::call::Calls;
use crate::config::Configuration;
use crate::contract::openapi;
use crate::gateway::Gateway;
use crate::observe::Metrics;
use crate::store::Stores;
use crate::tasks::Tasks;

/// A running host.
#[derive(Debug)]
pub struct Host {
    gateway: SocketAddr,
    admin: SocketAddr,
    calls: Calls,
    stores: Stores,
    tasks: Tasks,
    drain: Duration,
}

/// Starts the host that `configuration` describes, telling `progress` how far it is.
///
/// It serves when this returns. Both addresses are taken first, so that a port in use is said before any work.
///
/// # Errors
///
/// [`StartError`]; nothing is left running.
pub async fn start(
    configuration: &Configuration,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Host, StartError> {
    let manifest = &configuration.manifest;
    let tasks = Tasks::default();
    let metrics = Metrics::start();
    tasks.spawn("metrics upkeep", metrics.clone().keep(tasks.stop()));
    todo!()
}
