//! Metrics of the stream of a cluster.

use metrics::{Gauge, gauge};

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
