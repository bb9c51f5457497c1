//! A host of a cluster: its listeners are there all the time, and what they do with a request depends on who leads.

mod answer;
mod copies;
mod drain;
mod envelope;
mod forward;
pub(super) mod listeners;
mod member;
mod message;
mod messages;
mod nodes;
mod operator;
mod prepare;
mod reads;
mod replays;
mod replica;
mod replica_keeper;
pub(super) mod reseed;
mod roles;
mod run;
mod sides;
mod status;
mod unanswered;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use super::error::{ReloadError, StartError, StopError};
use super::listen::listen;
use crate::admin::NodeAdmin;
use crate::config::Configuration;
use crate::gateway::{self, Certificate};
use crate::observe::Metrics;
use crate::runtime::{Runtime, private_folder};
use crate::tasks::{CancellationToken, DropGuard, Tasks, Thread, thread};
use forward::Forwarder;
use listeners::Listeners;
use nodes::Nodes;
use operator::OperatorSide;
use reads::ReadGate;
use roles::Roles;
use run::NodeLoop;
use sides::PublicSide;

/// A running host of a cluster.
#[derive(Debug)]
pub(super) struct Node {
    operator: Arc<OperatorSide>,
    certificate: Option<Arc<Certificate>>,
    thread: Mutex<Option<Thread<()>>>,
    /// Stops the thread.
    life: Tasks,
    cancels: Mutex<Option<DropGuard>>,
    failed: watch::Receiver<Option<Arc<StartError>>>,
}

/// Starts a host of a cluster. It serves when this returns: here if it leads, otherwise at the leader.
pub(super) async fn start(
    configuration: &Configuration,
    listeners: Listeners,
    tasks: &Tasks,
    metrics: Metrics,
) -> Result<Node, StartError> {
    let manifest = &configuration.manifest;
    let settings = &manifest.cluster;
    let nodes = listen(settings.listen, "cluster.listen").await?;
    let address = |listener: &TcpListener| listener.local_addr().map_err(|source| StartError::Address { source });
    let roles = Roles::new(member::node(settings, address(&nodes)?)?);
    tracing::info!(
        cluster = settings.name,
        node = roles.node.node,
        address = roles.node.address,
        "joining the cluster"
    );
    private_folder(&manifest.host.data)?;
    let runtime = Runtime::new(&manifest.runtime, tasks.outages())?;
    let body_wait_max = Duration::from_millis(manifest.gateway.body_read_ms_max);
    let forwarder = Forwarder::new(Arc::clone(&roles), body_wait_max);
    let known = Arc::<Nodes>::default();
    let operator = Arc::new(OperatorSide {
        cluster: settings.name.clone(),
        lease: Duration::from_millis(settings.lease_ms),
        roles: Arc::clone(&roles),
        forwarder: Arc::clone(&forwarder),
        admin: NodeAdmin::new(configuration, metrics.clone())?,
        nodes: Arc::clone(&known),
        outages: tasks.outages().clone(),
        stop: tasks.stop(),
    });
    let (public, certificate) = gateway::public_listener(&manifest.gateway, manifest.host.drain_ms_max)?;
    let stale_max = Duration::from_millis(settings.stale_ms_max);
    let (reads, questions) = ReadGate::new(settings.reads, stale_max, &roles, &forwarder);
    let prepare = prepare::asking(&known, &forwarder);
    let side = PublicSide { roles: Arc::clone(&roles), forwarder, reads: Arc::clone(&reads) };
    listeners::serve(side, &operator, (listeners, nodes), public, tasks);
    listeners::maintain(&metrics, &operator, tasks);
    listeners::ask(reads, questions, tasks);

    let (life, (cancelled, cancels)) = (Tasks::default(), CancellationToken::with_guard());
    let (first, started) = oneshot::channel();
    let (fails, failed) = watch::channel(None);
    let panics = fails.clone();
    let running = NodeLoop {
        configuration: configuration.clone(),
        roles,
        runtime,
        metrics,
        prepare,
        handle: Handle::current(),
        stop: life.stop(),
        cancelled,
        started: Some(first),
    };
    let run = move || {
        if let Err(error) = running.run() {
            fails.send_replace(Some(Arc::new(error)));
        }
    };
    // Nothing else ends a role that its thread has left: the service manager starts the host again.
    let panicked = move |_: &_| drop(panics.send_replace(Some(Arc::new(StartError::Panicked))));
    let thread = thread("node", run, panicked).map_err(|source| StartError::Thread { source })?;
    let node = Node {
        operator,
        certificate,
        thread: Mutex::new(Some(thread)),
        life,
        cancels: Mutex::new(Some(cancels)),
        failed,
    };
    match started.await {
        Ok(Ok(())) => Ok(node),
        Ok(Err(error)) => Err(error),
        // The thread has panicked, which is logged.
        Err(_) => Err(StartError::Panicked),
    }
}

impl Node {
    /// Resolves when this host can take no part in its cluster any more.
    pub(super) async fn failed(&self) -> Arc<StartError> {
        let mut failed = self.failed.clone();
        match failed.wait_for(Option::is_some).await.map(|error| error.clone()) {
            Ok(Some(error)) => error,
            // The thread ended in order.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    pub(super) fn reload_files(&self) -> Result<(), ReloadError> {
        let certificate = self.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload());
        let operator = self.operator.admin.reload_files();
        certificate?;
        Ok(operator?)
    }

    /// Ends the node: a leader says in the stream that it leads no more. Blocks.
    pub(super) fn stop(&self) -> Result<(), StopError> {
        drop(self.cancels.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.life.begin_stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        match thread.map(Thread::join) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(panicked)) => Err(StopError::Panicked(panicked)),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The thread ends by itself; nobody waits for it here.
        self.life.begin_stop();
    }
}
