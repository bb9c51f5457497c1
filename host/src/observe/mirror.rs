//! Metrics of the mirror of one service.

use metrics::{Gauge, gauge};

use crate::names::ServiceName;

#[derive(Debug)]
pub(crate) struct MirrorMetrics {
    /// Entities that the first pass has read.
    pub(crate) entities: Gauge,
    /// Bytes of the copy.
    pub(crate) bytes: Gauge,
    /// Commits that touched the data and are not copied yet.
    pub(crate) commits_behind: Gauge,
    /// For how long the copy has not been complete.
    pub(crate) behind_seconds: Gauge,
}

impl MirrorMetrics {
    pub(crate) fn new(service: &ServiceName) -> Self {
        let service = service.to_string();
        Self {
            entities: gauge!("switchyard_mirror_entities", "service" => service.clone()),
            bytes: gauge!("switchyard_mirror_bytes", "service" => service.clone()),
            commits_behind: gauge!("switchyard_mirror_commits_behind", "service" => service.clone()),
            behind_seconds: gauge!("switchyard_mirror_behind_seconds", "service" => service),
        }
    }
}
