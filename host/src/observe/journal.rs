//! Metrics of the journal and the stores: handles created once, so that a commit looks up no name.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::names::ServiceName;

#[derive(Debug)]
pub(crate) struct JournalMetrics {
    /// The number of commits that one write and one sync made durable together.
    pub(crate) batch_commits: Histogram,
    pub(crate) sync_seconds: Histogram,
    pub(crate) written_bytes: Counter,
    pub(crate) segments: Gauge,
    /// Segments that were copied to the archive, and failed attempts.
    pub(crate) archived_segments: Counter,
    pub(crate) archive_failures: Counter,
}

impl JournalMetrics {
    pub(crate) fn new() -> Self {
        Self {
            batch_commits: histogram!("switchyard_journal_batch_commits"),
            sync_seconds: histogram!("switchyard_journal_sync_seconds"),
            written_bytes: counter!("switchyard_journal_written_bytes_total"),
            segments: gauge!("switchyard_journal_segments"),
            archived_segments: counter!("switchyard_journal_archived_segments_total"),
            archive_failures: counter!("switchyard_journal_archive_failures_total"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct StoreMetrics {
    pub(crate) commits: Counter,
    /// Commits that were refused because data that they had read had changed.
    pub(crate) conflicts: Counter,
    /// Bytes of the stored keys and values.
    pub(crate) stored_bytes: Gauge,
}

impl StoreMetrics {
    pub(crate) fn new(service: &ServiceName) -> Self {
        let service = service.to_string();
        Self {
            commits: counter!("switchyard_store_commits_total", "service" => service.clone()),
            conflicts: counter!("switchyard_store_conflicts_total", "service" => service.clone()),
            stored_bytes: gauge!("switchyard_store_bytes", "service" => service),
        }
    }
}

/// The known damage in the index of one store.
#[derive(Debug)]
pub(crate) struct IndexMetrics {
    /// Bytes of keys and values that were read only for the check.
    pub(crate) scrubbed_bytes: Counter,
    /// Entries that are damaged now, among those that were checked.
    pub(crate) damaged: Gauge,
    /// Damaged entries that were rebuilt from the journal.
    pub(crate) rebuilt: Counter,
}

impl IndexMetrics {
    pub(crate) fn new(service: &ServiceName) -> Self {
        let service = service.to_string();
        Self {
            scrubbed_bytes: counter!("switchyard_index_scrubbed_bytes_total", "service" => service.clone()),
            damaged: gauge!("switchyard_index_damaged_entries", "service" => service.clone()),
            rebuilt: counter!("switchyard_index_rebuilt_entries_total", "service" => service),
        }
    }
}
