//! A node of a cluster: it has the commits that its own disk has, takes the others from the stream, and then leads.

mod claim;
pub(super) mod copies;
pub(super) mod error;
mod follow;
mod identity;
mod observer;
mod view;

use std::sync::Arc;
use std::time::Duration;

use super::services::Services;
use crate::clock;
use crate::journal::stream::{Leader, Lease, Position, Stream, StreamSeq};
use crate::tasks::CancellationToken;
pub use error::JoinError;
use follow::Following;
pub(super) use identity::{identify, position_of};
pub(crate) use observer::Observer;
pub(crate) use view::{ClusterView, ClusterViewSender};

/// Opens the stream of which this node has the messages up to a given one.
pub(crate) type OpenStream<'a> = &'a dyn Fn(StreamSeq) -> Result<Arc<dyn Stream>, JoinError>;

/// How the stores take part in a cluster.
#[derive(Clone)]
pub(crate) struct ClusterMember<'a> {
    pub(crate) open: OpenStream<'a>,
    pub(crate) node: Leader,
    pub(crate) lease: Duration,
    /// How long it waits for a sign of another leader before it leads: longer than the lease of that one, because the
    /// clocks of two machines may differ in speed.
    pub(crate) patience: Duration,
    /// Whether it lets another node lead first, although the last leader has stepped down.
    pub(crate) yields: bool,
    pub(crate) heartbeat: Duration,
    /// Whether answers wait for a valid lease. Otherwise they may be stale.
    pub(crate) is_gated: bool,
    /// Ends the wait.
    pub(crate) cancelled: CancellationToken,
    /// Where it writes what it sees of the cluster.
    pub(crate) view: ClusterViewSender,
    pub(crate) observer: &'a dyn Observer,
}

#[cfg(test)]
impl<'a> ClusterMember<'a> {
    /// A node that leads as soon as it has read the stream.
    pub(crate) fn of_test(open: OpenStream<'a>, node: &str) -> Self {
        Self {
            open,
            node: Leader { node: node.into(), address: format!("{node}:1") },
            lease: Duration::from_millis(200),
            patience: Duration::ZERO,
            yields: false,
            heartbeat: Duration::from_millis(20),
            is_gated: true,
            cancelled: CancellationToken::never(),
            view: ClusterViewSender::default(),
            observer: &observer::NobodyReads,
        }
    }
}

impl std::fmt::Debug for ClusterMember<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterMember").field("node", &self.node).finish_non_exhaustive()
    }
}

/// Takes over what the stream has, and becomes the leader as soon as no other node leads. Blocks until then.
///
/// # Errors
///
/// [`JoinError`]; the stores have a prefix of the stream.
pub(super) fn join(
    services: &Services,
    stream: &Arc<dyn Stream>,
    member: &ClusterMember<'_>,
    position: Position,
) -> Result<Arc<Lease>, JoinError> {
    let mut following = Following::new(services, Arc::clone(stream), position, member);
    loop {
        following.until_silence(member.patience, &member.cancelled)?;
        view::lost_the_leader(&member.view);
        let lease = Arc::new(Lease::new(clock::now(), member.lease));
        let Some(led) = claim::claim(stream, services.journal, following.position(), &member.node, &lease)? else {
            continue;
        };
        let epoch = led.epoch.0;
        services.pipeline.journal.lead(Arc::clone(stream), led, &member.node, Arc::clone(&lease))?;
        view::saw(&member.view, led, Some(&member.node), true);
        tracing::info!(epoch, node = member.node.node, "this node leads the cluster");
        return Ok(lease);
    }
}
