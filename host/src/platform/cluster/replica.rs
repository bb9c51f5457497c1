//! What a node that follows reads with: the releases that the leader has committed, on the node's own stores.
//!
//! Invariant: no read runs on a release that does not belong to the number of its data. Before a commit that changes
//! releases is applied, the replica is taken away and its reads have ended; afterwards there is a new one.

use std::sync::Arc;

use crate::clock;
use crate::config::Manifest;
use crate::gateway::Gateway;
use crate::platform::error::StartError;
use crate::release::Releases;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

/// A public API that only reads.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) gateway: Arc<Gateway>,
    /// It owns what the releases run with.
    pub(super) releases: Releases,
    /// Since when it counts its calls, in microseconds since the Unix epoch.
    pub(super) since: u64,
    tasks: Tasks,
}

impl Replica {
    pub(super) fn open(manifest: &Manifest, runtime: &Runtime, stores: &Stores) -> Result<Self, StartError> {
        let tasks = Tasks::default();
        let data = &manifest.host.data;
        let (releases, calls) = Releases::open_replica(manifest, data, runtime.clone(), stores, &tasks)?;
        let gateway = Gateway::new(&manifest.gateway, manifest.host.drain_ms_max, calls, &tasks)?;
        Ok(Self { gateway, releases, since: clock::unix_micros(), tasks })
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.tasks.begin_stop();
    }
}
