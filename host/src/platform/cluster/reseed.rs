//! Writes the stream of this host's cluster again, while the host is stopped.

use std::sync::Arc;
use std::time::Duration;

use super::copies::scratch;
use super::member::AFTER_LEASE;
use crate::config::Manifest;
use crate::journal::stream::NatsStream;
use crate::store::{CopyError, JoinError, OfflineNode, ReseedError, ReseedPlan};

/// How it calls itself to the NATS servers.
const CLIENT: &str = "reseed";

/// A host that is stopped, and the plan to write the stream again from its data directory, which is locked until this is dropped.
#[derive(Debug)]
pub struct Reseed<'a> {
    manifest: &'a Manifest,
    node: OfflineNode,
    plan: ReseedPlan,
}

impl<'a> Reseed<'a> {
    /// Compares the data directory with the stream. Blocks until it has read the whole stream. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReseedError`], above all when the host still runs, or no NATS server answers.
    pub fn examine(manifest: &'a Manifest) -> Result<Self, ReseedError> {
        let node = OfflineNode::open(&manifest.host.data)?;
        let stream = NatsStream::attach(&manifest.cluster, CLIENT, false).map_err(JoinError::from)?;
        let plan = node.plan(&stream, Duration::from_millis(manifest.cluster.lease_ms) + AFTER_LEASE)?;
        Ok(Self { manifest, node, plan })
    }

    #[must_use]
    pub fn plan(&self) -> &ReseedPlan {
        &self.plan
    }

    /// Writes the stream again, as the plan says. Blocks. `tell` hears how many bytes of the copy are stored, and of how many.
    ///
    /// # Errors
    ///
    /// [`ReseedError`]. The data directory is as it was; run again, it goes on from where this ended.
    pub fn carry_out(&self, tell: &dyn Fn(u64, u64)) -> Result<(), ReseedError> {
        let Manifest { host, cluster, store, journal, .. } = self.manifest;
        let stream = NatsStream::attach(cluster, CLIENT, true).map_err(JoinError::from)?;
        let (disk, path) = scratch(&host.data);
        let disk = disk.map_err(|source| CopyError::File { path, source })?;
        self.node.carry_out(&self.plan, &stream, (store, journal.archive.as_deref()), Arc::new(disk), tell)
    }
}
