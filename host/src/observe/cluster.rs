//! Metrics of a node of a cluster: its role, how far it is, and the requests that it forwards.

use metrics::{Counter, Gauge, counter, gauge};

/// The role and the position of this node.
#[derive(Debug)]
pub(crate) struct NodeMetrics {
    pub(crate) leads: Gauge,
    pub(crate) epoch: Gauge,
    pub(crate) applied: Gauge,
    pub(crate) lease_seconds: Gauge,
    pub(crate) silence_seconds: Gauge,
}

impl NodeMetrics {
    pub(crate) fn new() -> Self {
        Self {
            leads: gauge!("switchyard_cluster_leads"),
            epoch: gauge!("switchyard_cluster_epoch"),
            applied: gauge!("switchyard_cluster_applied_commit"),
            lease_seconds: gauge!("switchyard_cluster_lease_seconds"),
            silence_seconds: gauge!("switchyard_cluster_silence_seconds"),
        }
    }
}

/// The requests that this node forwards to the leader.
#[derive(Debug)]
pub(crate) struct ForwardMetrics {
    pub(crate) answered: Counter,
    /// No leader was known in time.
    pub(crate) without_leader: Counter,
    /// The leader was lost, and the request cannot be sent again.
    pub(crate) unknown: Counter,
    pub(crate) repeated: Counter,
}

impl ForwardMetrics {
    pub(crate) fn new() -> Self {
        let ended = |outcome: &'static str| counter!("switchyard_cluster_forwarded_total", "outcome" => outcome);
        Self {
            answered: ended("answered"),
            without_leader: ended("no leader"),
            unknown: ended("unknown"),
            repeated: counter!("switchyard_cluster_forwards_repeated_total"),
        }
    }
}
