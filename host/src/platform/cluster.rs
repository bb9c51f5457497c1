//! How this host takes part in its cluster, by its settings.

use std::sync::Arc;
use std::time::Duration;

use super::error::StartError;
use crate::config::{ClusterSettings, Manifest, Reads};
use crate::journal::stream::{Leader, NatsStream, Stream};
use crate::store::{ClusterMember, JoinError, Stores};
use crate::tasks::CancellationToken;

/// How much longer than a lease a node waits for a sign of the leader: the clocks of two machines may differ in speed.
const AFTER_LEASE: Duration = Duration::from_millis(500);

/// Opens the stores of this host. In a cluster it blocks until this node leads: until then it takes over what the leader
/// commits, or ends the wait when it is cancelled.
pub(super) fn open_stores(manifest: &Manifest, cancelled: &CancellationToken) -> Result<Stores, StartError> {
    let (data, archive) = (&manifest.host.data, manifest.journal.archive.as_deref());
    let settings = &manifest.cluster;
    if !settings.is_on() {
        return Ok(Stores::open_archiving(data, &manifest.store, &[], archive, None)?);
    }
    let node = node(manifest)?;
    tracing::info!(cluster = settings.name, node = node.node, "joining the cluster");
    let lease = Duration::from_millis(settings.lease_ms);
    let member = ClusterMember {
        open: &|has| {
            let stream = NatsStream::open(settings, &node.node, has).map_err(JoinError::from)?;
            Ok(Arc::new(stream) as Arc<dyn Stream>)
        },
        node: node.clone(),
        lease,
        patience: lease + AFTER_LEASE,
        heartbeat: Duration::from_millis(settings.heartbeat_ms),
        is_gated: settings.reads != Reads::Stale,
        cancelled: cancelled.clone(),
    };
    Ok(Stores::open_archiving(data, &manifest.store, &[], archive, Some(&member))?)
}

/// The name of this host in its cluster, and its address there.
fn node(manifest: &Manifest) -> Result<Leader, StartError> {
    let settings = &manifest.cluster;
    let address = settings.address.clone().unwrap_or_else(|| manifest.host.listen.to_string());
    let node = settings.node.clone().or_else(|| ClusterSettings::node_of_machine(&host_name()));
    Ok(Leader { node: node.ok_or_else(|| StartError::NodeName { host_name: host_name() })?, address })
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
