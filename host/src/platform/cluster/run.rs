//! The life of a node: it follows, it leads, and it follows again.
//!
//! Each time it leads it has new stores, releases and calls: nothing of an earlier time is left, in particular no commit
//! that the stream has not acknowledged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::copies;
use super::drain::Drainable;
use super::member;
use super::replica_keeper::ReplicaKeeper;
use super::roles::{Roles, Serving};
use crate::clock;
use crate::config::Configuration;
use crate::observe::Metrics;
use crate::platform::error::StartError;
use crate::platform::parts::Parts;
use crate::release::Prepare;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::{CancellationToken, Stop, Tasks};

/// How long running requests may take when this node is asked to lead no more. Then they are cut off, and their clients'
/// nodes send them to the next leader.
const STEP_DOWN_WAIT_MAX: Duration = Duration::from_secs(2);

/// The time until a node tries again to take part, or to lead after it could not serve.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often a start tries to open the stream while NATS elects: together longer than an election lasts.
const TRIES_MAX: u32 = 10;

const SERVE_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// A node, in its own thread.
pub(super) struct NodeLoop {
    pub(super) configuration: Configuration,
    pub(super) roles: Arc<Roles>,
    pub(super) runtime: Runtime,
    pub(super) metrics: Metrics,
    /// Lets the other nodes get ready for releases.
    pub(super) prepare: Prepare,
    pub(super) handle: Handle,
    /// Ends the node.
    pub(super) stop: Stop,
    /// Cancelled when the node shall stop, for the work that blocks.
    pub(super) cancelled: CancellationToken,
    /// Gets the result of the first opening.
    pub(super) started: Option<oneshot::Sender<Result<(), StartError>>>,
}

/// Why a leader leads no more.
enum End {
    Stopped,
    Replaced,
    SteppedDown,
}

impl NodeLoop {
    /// Runs until the node shall stop.
    ///
    /// # Errors
    ///
    /// [`StartError`] when it can take no part in its cluster, whatever the others do.
    pub(super) fn run(mut self) -> Result<(), StartError> {
        let handle = self.handle.clone();
        let _in_runtime = handle.enter();
        let (mut yields, mut has_served, mut tries) = (false, false, 0);
        loop {
            match self.follow(yields) {
                Ok(stores) => match self.lead(stores) {
                    Ok(End::Stopped) => return Ok(()),
                    Ok(End::Replaced) => (yields, has_served) = (false, true),
                    Ok(End::SteppedDown) => (yields, has_served) = (true, true),
                    // Nobody could serve with this configuration.
                    Err(error) if !has_served && !error.may_pass() => return Err(error),
                    Err(error) => {
                        self.trouble(&error);
                        yields = true;
                        if self.stops_within(SERVE_AGAIN_AFTER) {
                            return Ok(());
                        }
                    }
                },
                Err(error) if error.is_cancelled() => return Ok(()),
                Err(error) if self.started.is_some() && error.servers_elect() && tries < TRIES_MAX => {
                    tries += 1;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the host tries again to join its cluster"
                    );
                    if self.stops_within(RETRY_AFTER) {
                        return Ok(());
                    }
                }
                Err(error) if self.started.is_some() || !error.may_pass() => {
                    // The first opening: its caller reports the error.
                    return match self.started.take() {
                        Some(started) => started.send(Err(error)).map_or_else(|unheard| unheard, |()| Ok(())),
                        None => Err(error),
                    };
                }
                Err(error) => {
                    self.trouble(&error);
                    if self.stops_within(RETRY_AFTER) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Takes over what the leader commits, until this node leads.
    fn follow(&mut self, yields: bool) -> Result<Stores, StartError> {
        let started = Mutex::new(self.started.take());
        let opened = |stores: &Stores| {
            self.roles.set_stores(Some(stores));
            self.roles.set_trouble(None);
            let started = started.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(started) = started {
                let _waits = started.send(Ok(()));
            }
        };
        let manifest = &self.configuration.manifest;
        let keeper = ReplicaKeeper {
            roles: &self.roles,
            manifest,
            runtime: &self.runtime,
            handle: &self.handle,
            retry_at: Mutex::default(),
        };
        let led = member::lead(manifest, &self.roles, yields, &self.cancelled, &keeper, &opened);
        // From here on this node commits, or its stores are closed.
        keeper.take_away();
        if led.is_err() {
            self.roles.set_stores(None);
        }
        self.started = started.into_inner().unwrap_or_else(PoisonError::into_inner);
        led
    }

    /// Serves on `stores` until this node leads no more, and closes them.
    fn lead(&self, stores: Stores) -> Result<End, StartError> {
        let tasks = Tasks::default();
        let served = self.serve(&stores, &tasks);
        let led = served.map(|serving| {
            self.roles.set_stores(Some(&stores));
            self.roles.lead(Some(Arc::clone(&serving)));
            tracing::info!(node = self.roles.node.node, "this host serves as the leader of the cluster");
            let end = self.handle.block_on(self.end(&stores));
            self.roles.lead(None);
            if !matches!(end, End::Replaced) {
                let wait_max = if matches!(end, End::Stopped) { Duration::ZERO } else { STEP_DOWN_WAIT_MAX };
                let _late = self.handle.block_on(tokio::time::timeout(wait_max, serving.drained()));
            }
            end
        });
        if let Err(running) = self.handle.block_on(tasks.shut_down(STEP_DOWN_WAIT_MAX)) {
            tracing::warn!(tasks = running.join(", "), "work of the leader did not end in time");
        }
        self.roles.set_stores(None);
        // Another node took over while this one prepared to serve.
        let led = if led.is_err() && stores.was_replaced() { Ok(End::Replaced) } else { led };
        let closed = stores.close();
        match &led {
            // It has commits that were never acknowledged, so its stores do not close in order.
            Ok(End::Replaced) => tracing::warn!("this host does not lead the cluster any more: it follows"),
            _ => {
                if let Err(error) = closed {
                    tracing::error!(error = &error as &dyn std::error::Error, "the stores did not close in order");
                }
            }
        }
        led
    }

    fn serve(&self, stores: &Stores, tasks: &Tasks) -> Result<Arc<Drainable<Serving>>, StartError> {
        let manifest = &self.configuration.manifest;
        let parts = Parts::over(manifest, stores.clone(), self.runtime.clone(), tasks, &|_| {})?;
        parts.releases.set_prepare(self.prepare.clone());
        let _traces = parts.trace(&manifest.telemetry, tasks)?;
        let (gateway, admin) = parts.handlers(&self.configuration, tasks, &self.metrics)?;
        parts.work(tasks);
        copies::store_copies(manifest, stores, tasks);
        let (releases, shares) = (parts.releases.clone(), parts.releases.clone());
        tasks.spawn("files of the cluster", async move { shares.share_files().await });
        Ok(Drainable::new(Serving { gateway, admin, stores: stores.clone(), releases, since: clock::now() }))
    }

    /// Resolves when this node shall lead no more.
    async fn end(&self, stores: &Stores) -> End {
        let mut stop = self.stop.clone();
        tokio::select! {
            () = stop.wait() => End::Stopped,
            () = stores.replaced() => End::Replaced,
            () = self.roles.asked_to_step_down() => End::SteppedDown,
        }
    }

    fn trouble(&self, error: &StartError) {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "this host takes no part in the cluster; it tries again"
        );
        self.roles.set_trouble(Some(crate::observe::error_chain(error)));
    }

    /// Waits; true if the node shall stop.
    fn stops_within(&self, time: Duration) -> bool {
        let mut stop = self.stop.clone();
        self.handle.block_on(async { tokio::time::timeout(time, stop.wait()).await.is_ok() })
    }
}
