//! Metrics of a node of a cluster: its role, how far it is, and the requests that it forwards.

use metrics::{Counter, Gauge, counter, gauge};

/// The role and the position of this node.
#[derive(Debug)]
pub(crate) struct NodeMetrics {
    pub(crate) leads: Gauge,
    pub(crate) epoch: Gauge,
    pub(crate) applied: Gauge,
    pub(crate) behind_commits: Gauge,
    pub(crate) lease_seconds: Gauge,
    pub(crate) silence_seconds: Gauge,
}

impl NodeMetrics {
    pub(crate) fn new() -> Self {
        Self {
            leads: gauge!("switchyard_cluster_leads"),
            epoch: gauge!("switchyard_cluster_epoch"),
            applied: gauge!("switchyard_cluster_applied_commit"),
            behind_commits: gauge!("switchyard_cluster_behind_commits"),
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

/// The messages that a leader publishes.
#[derive(Debug)]
pub(crate) struct PublishMetrics {
    pub(crate) published: Counter,
    pub(crate) acknowledged: Counter,
    /// Nobody knows then whether they are in the stream, until the leader has looked.
    pub(crate) unacknowledged: Counter,
    /// How often the servers of a silent stream were asked to elect another leader of it.
    pub(crate) elections_asked: Counter,
}

impl PublishMetrics {
    pub(crate) fn new() -> Self {
        let ended = |outcome: &'static str| counter!("switchyard_cluster_acknowledgements_total", "outcome" => outcome);
        Self {
            published: counter!("switchyard_cluster_published_total"),
            acknowledged: ended("acknowledged"),
            unacknowledged: ended("unknown"),
            elections_asked: counter!("switchyard_cluster_stream_elections_asked_total"),
        }
    }
}

/// The stream, as its leader sees it.
#[derive(Debug)]
pub(crate) struct StreamMetrics {
    /// Bytes of the messages, as the leader last saw them.
    pub(crate) stream_bytes: Gauge,
}

impl StreamMetrics {
    /// Of a stream that accepts no more messages at `bytes_max`.
    pub(crate) fn new(bytes_max: u64) -> Self {
        gauge!("switchyard_cluster_stream_limit_bytes").set(bytes_max as f64);
        Self { stream_bytes: gauge!("switchyard_cluster_stream_bytes") }
    }
}
