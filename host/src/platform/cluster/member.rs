//! How a host takes part in its cluster, by its settings.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::roles::Roles;
use crate::config::{ClusterSettings, Manifest, Reads};
use crate::journal::stream::{Leader, NatsStream, Stream};
use crate::platform::error::StartError;
use crate::store::{ClusterMember, JoinError, Observer, Stores};
use crate::tasks::CancellationToken;

/// How much longer than a lease a node waits for a sign of the leader: the clocks of two machines may differ in speed.
pub(super) const AFTER_LEASE: Duration = Duration::from_millis(500);

/// Nodes that wait for the same leader try to lead at different times within this one, so that one of them is alone.
const STAGGER_MS_MAX: u64 = 300;

/// Opens the stores of this host, and blocks until it leads: until then it takes over what the leader commits, and `observer`
/// hears of it; `opened` gets the stores before that. A host that `yields` lets another one lead first, even if nobody leads.
pub(super) fn lead(
    manifest: &Manifest,
    roles: &Roles,
    yields: bool,
    cancelled: &CancellationToken,
    observer: &dyn Observer,
    opened: &(dyn Fn(&Stores) + Sync),
) -> Result<Stores, StartError> {
    let settings = &manifest.cluster;
    let lease = Duration::from_millis(settings.lease_ms);
    let member = ClusterMember {
        open: &|has| {
            let stream = NatsStream::open(settings, &roles.node.node, has).map_err(JoinError::from)?;
            Ok(Arc::new(stream) as Arc<dyn Stream>)
        },
        node: roles.node.clone(),
        lease,
        patience: lease + AFTER_LEASE + stagger(&roles.node.node),
        yields,
        heartbeat: Duration::from_millis(settings.heartbeat_ms),
        is_gated: settings.reads != Reads::Stale,
        cancelled: cancelled.clone(),
        view: roles.view.clone(),
        observer,
    };
    let (data, archive) = (&manifest.host.data, manifest.journal.archive.as_deref());
    Ok(Stores::open_archiving(data, &manifest.store, &[], archive, Some((&member, opened)))?)
}

fn stagger(node: &str) -> Duration {
    let mut hasher = DefaultHasher::new();
    node.hash(&mut hasher);
    Duration::from_millis(hasher.finish() % STAGGER_MS_MAX)
}

/// The name of this host in its cluster, and where the others reach its listener for nodes.
pub(super) fn node(settings: &ClusterSettings, listens: SocketAddr) -> Result<Leader, StartError> {
    let address = settings.address.clone().unwrap_or_else(|| listens.to_string());
    let node = settings.node.clone().or_else(|| ClusterSettings::node_of_machine(&host_name()));
    Ok(Leader { node: node.ok_or_else(|| StartError::NodeName { host_name: host_name() })?, address })
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
