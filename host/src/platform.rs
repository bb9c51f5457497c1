//! Starts and stops the whole host in order: contracts, stores, components, calls, and the two listeners last.

mod error;
mod services;

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

pub use error::{StartError, StopError};
pub use services::Progress;
use services::Workshop;

use crate::call::{Calls, Directory};
use crate::clock;
use crate::config::{Configuration, Manifest};
use crate::contract::{Contracts, World};
use crate::names::ServiceName;
use crate::observe::Metrics;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

/// The folder of compiled code, in the data directory.
const COMPILED_FOLDER: &str = "compiled";

/// A running host.
#[derive(Debug)]
pub struct Host {
    gateway: SocketAddr,
    admin: SocketAddr,
    stores: Stores,
    tasks: Tasks,
    drain: Duration,
}

/// Starts the host that `configuration` describes, telling `progress` how far it is; it serves when this returns.
///
/// # Errors
///
/// [`StartError`]; nothing is left running. Both addresses are taken first, so that a port in use is said before any
/// work is done.
pub async fn start(
    configuration: &Configuration,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Host, StartError> {
    let manifest = &configuration.manifest;
    let (public, admin) =
        (listen(manifest.host.listen, "listen").await?, listen(manifest.host.admin_listen, "admin").await?);
    let metrics = Metrics::start();
    let parts = tokio::task::block_in_place(|| Parts::make(manifest, progress))?;
    let tasks = Tasks::default();
    match parts.serve(configuration, &tasks, metrics, public, admin) {
        Ok(host) => Ok(host),
        Err(error) => {
            let _those_that_still_run = tasks.shut_down(Duration::ZERO).await;
            Err(error)
        }
    }
}
