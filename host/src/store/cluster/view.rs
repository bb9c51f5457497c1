//! What a node sees of its cluster, for those who decide where a request goes and for the operator.

use std::time::Instant;

use tokio::sync::watch;

use crate::journal::stream::{Leader, Position};

/// What a node has read of the stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClusterView {
    /// Who leads; `None` if this node does not know it, or nobody does.
    pub(crate) leader: Option<Leader>,
    /// What this node has applied.
    pub(crate) position: Position,
    /// Whether it has had everything that was in the stream at some time since it began to follow.
    pub(crate) is_current: bool,
    /// When the last message came that was not waiting in the stream already.
    pub(crate) heard: Option<Instant>,
}

/// Where a node writes what it sees.
pub(crate) type ClusterViewSender = watch::Sender<ClusterView>;

/// Notes that this node has read up to `position`, who leads, and when the last message came.
pub(super) fn saw(
    view: &ClusterViewSender,
    position: Position,
    leader: Option<&Leader>,
    is_current: bool,
    heard: Instant,
) {
    view.send_modify(|view| {
        if view.leader.as_ref() != leader {
            view.leader = leader.cloned();
        }
        view.position = position;
        view.is_current = is_current;
        view.heard = Some(heard);
    });
}

/// Notes that nobody leads.
pub(super) fn lost_the_leader(view: &ClusterViewSender) {
    view.send_if_modified(|view| view.leader.take().is_some());
}
