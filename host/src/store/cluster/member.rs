//! How the stores of a node take part in their cluster.

use std::sync::Arc;
use std::time::Duration;

use super::error::JoinError;
use super::observer::Observer;
use super::view::ClusterViewSender;
use crate::journal::stream::{Leader, Stream, StreamSeq};
use crate::tasks::CancellationToken;

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

#[cfg(any(test, feature = "fail-points"))]
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
            observer: &super::observer::NobodyReads,
        }
    }
}

impl std::fmt::Debug for ClusterMember<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterMember").field("node", &self.node).finish_non_exhaustive()
    }
}
