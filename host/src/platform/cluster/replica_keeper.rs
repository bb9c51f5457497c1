//! Builds what a follower reads with, and takes it away before it does not fit any more.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use super::drain::Drainable;
use super::replica::Replica;
use super::roles::Roles;
use crate::clock;
use crate::config::Manifest;
use crate::platform::error::StartError;
use crate::release::{OpenError, ReplicaReader};
use crate::runtime::Runtime;
use crate::store::Observer;

/// The time until a node tries again to build what it reads with.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Builds the replica of a node, and takes it away, as the node follows.
pub(super) struct ReplicaKeeper<'a> {
    pub(super) roles: &'a Roles,
    pub(super) manifest: &'a Manifest,
    pub(super) runtime: &'a Runtime,
    pub(super) handle: &'a Handle,
    /// When it may be tried again.
    pub(super) retry_at: Mutex<Option<Instant>>,
}

impl ReplicaKeeper<'_> {
    /// Takes the replica away, after its reads.
    pub(super) fn take_away(&self) {
        if let Some(replica) = self.roles.set_replica(None) {
            self.handle.block_on(replica.drained());
        }
    }

    fn retry_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.retry_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for ReplicaKeeper<'_> {
    fn before_platform_commit(&self, keys: &mut dyn Iterator<Item = &str>) {
        if Iterator::any(&mut &mut *keys, ReplicaReader::is_of_releases) {
            self.take_away();
            *self.retry_at() = None;
        }
    }

    fn is_current(&self) {
        if self.roles.has_replica() || self.retry_at().is_some_and(|at| clock::now() < at) {
            return;
        }
        let Some(stores) = self.roles.stores() else { return };
        match Replica::open(self.manifest, self.runtime, &stores) {
            Ok(replica) => drop(self.roles.set_replica(Some(Drainable::new(replica)))),
            Err(error) => {
                // A new cluster has no releases until its first leader has committed them.
                if !matches!(error, StartError::Releases(OpenError::Unstarted)) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "this host cannot answer reads itself; the leader does, and it tries again");
                }
                *self.retry_at() = Some(clock::now() + RETRY_AFTER);
            }
        }
    }
}
