//! Every metric, with its type and what it says. A test compares this table with the code, and another with what a host
//! shows.

#[cfg(test)]
mod tests;

use metrics::{describe_counter, describe_gauge, describe_histogram};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    /// Its name in Prometheus' text format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
}

macro_rules! metrics {
    ($($kind:ident $name:literal: $help:literal,)*) => {
        pub(super) const DESCRIPTIONS: &[Description] =
            &[$(Description { name: $name, kind: Kind::$kind, help: $help },)*];
    };
}

metrics! {
    Counter "process_cpu_seconds_total": "CPU time of the process, in user and system mode.",
    Gauge "process_max_fds": "The limit of open file descriptors.",
    Gauge "process_open_fds": "Open file descriptors.",
    Gauge "process_resident_memory_bytes": "Resident memory of the process.",
    Gauge "process_start_time_seconds": "When the process started, in seconds since the Unix epoch.",
    Gauge "process_threads": "Threads of the process.",
    Gauge "process_virtual_memory_bytes": "Virtual memory of the process.",
    Gauge "switchyard_build_info": "1, with the version, the commit and the version of wasmtime.",
    Counter "switchyard_call_conflicts_total": "Runs of calls that lost against another commit and ran again.",
    Histogram "switchyard_call_seconds": "Duration of calls, from their admission or rejection to their end.",
    Gauge "switchyard_calls_in_flight": "Calls that run now.",
    Counter "switchyard_call_turns_total": "Runs of calls that waited for their turn, because calls of their kind had lost commits.",
    Counter "switchyard_calls_total": "Ended calls by outcome; outcomes other than ok and refused are errors.",
    Gauge "switchyard_calls_waiting": "Calls that wait for admission now.",
    Counter "switchyard_cluster_acknowledgements_total":
        "Outcomes of published messages: acknowledged, or unknown until the leader has looked for the message.",
    Gauge "switchyard_cluster_applied_commit": "The last commit of the cluster that this host has.",
    Gauge "switchyard_cluster_behind_commits": "Commits of the cluster that this host knows of and does not have.",
    Gauge "switchyard_cluster_epoch": "The number of the leadership that this host sees.",
    Counter "switchyard_cluster_forwarded_total": "Requests that this host forwarded to the leader, by outcome.",
    Counter "switchyard_cluster_forwards_repeated_total": "Attempts to forward a request that were made again.",
    Gauge "switchyard_cluster_leads": "1 while this host leads its cluster, else 0.",
    Gauge "switchyard_cluster_lease_seconds": "How long this host may still speak for its cluster; 0 while it does not lead.",
    Counter "switchyard_cluster_published_total": "Messages that this host published as the leader of its cluster.",
    Gauge "switchyard_cluster_silence_seconds": "Time since the last message of the cluster's stream.",
    Counter "switchyard_cluster_stream_elections_asked_total":
        "Times that NATS was asked to elect another leader of the stream, because it acknowledged nothing for 10 seconds.",
    Gauge "switchyard_cluster_stream_bytes": "Bytes of the stream of the cluster, as its leader last saw it.",
    Gauge "switchyard_cluster_stream_limit_bytes": "Bytes at which the stream of the cluster accepts no more commits.",
    Counter "switchyard_connections_cut_off_total": "Connections that were closed because their client was too slow.",
    Gauge "switchyard_connections_open": "Open connections.",
    Counter "switchyard_connections_refused_total": "Connections that were refused, in total (full) or of one client (client).",
    Counter "switchyard_connections_total": "Accepted connections.",
    Counter "switchyard_dead_letters_deleted_total": "Dead letters that were deleted because there were too many.",
    Gauge "switchyard_disk_bytes": "Size of the disk that has the data directory.",
    Gauge "switchyard_disk_free_bytes": "Free space of the disk that has the data directory.",
    Counter "switchyard_events_dead_total": "Events that became dead letters.",
    Counter "switchyard_events_delivered_total": "Delivered events.",
    Histogram "switchyard_events_delivery_seconds": "Time from the commit of an event to the commit of its delivery.",
    Counter "switchyard_events_failed_total": "Failed deliveries, retried or not.",
    Gauge "switchyard_events_lag": "Events that wait for delivery.",
    Gauge "switchyard_events_lag_seconds": "Age of the oldest event that waits for delivery.",
    Counter "switchyard_events_overflowed_total": "Events that became dead letters without an attempt, because the outbox was full.",
    Counter "switchyard_events_retried_total": "Deliveries that were tried again.",
    Histogram "switchyard_http_request_seconds": "Duration of requests, from their head to the head of the answer.",
    Counter "switchyard_http_requests_total": "Answered requests by the class of their status.",
    Gauge "switchyard_index_damaged_entries": "Entries of an index that are damaged now, among those that were checked.",
    Counter "switchyard_index_rebuilt_entries_total": "Damaged entries that were rebuilt from the journal.",
    Counter "switchyard_index_scrubbed_bytes_total": "Bytes of an index that were read only to check them.",
    Gauge "switchyard_instances": "Instances of components that exist now.",
    Counter "switchyard_intent_attempts_total": "Repeated runs of unfinished calls, by result.",
    Gauge "switchyard_intents_oldest_seconds": "Age of the oldest unfinished call.",
    Gauge "switchyard_intents_open": "Unfinished calls.",
    Counter "switchyard_journal_archive_failures_total": "Failed attempts to copy a segment of the journal to the archive.",
    Counter "switchyard_journal_archived_segments_total": "Segments of the journal that were copied to the archive.",
    Histogram "switchyard_journal_batch_commits": "Commits that one write and one sync made durable together.",
    Gauge "switchyard_journal_segments": "Segments of the journal.",
    Histogram "switchyard_journal_sync_seconds": "Duration of a sync of the journal.",
    Counter "switchyard_journal_written_bytes_total": "Bytes written to the journal.",
    Gauge "switchyard_kept_answers_bytes": "Space that stored answers to requests with a key use.",
    Gauge "switchyard_kept_answers_bytes_max": "Space that stored answers to requests with a key may use.",
    Counter "switchyard_kept_answers_evicted_total": "Stored answers to guests that were deleted early.",
    Counter "switchyard_kept_answers_refused_total": "Requests with a key that were refused for lack of space.",
    Counter "switchyard_log_dropped_bytes_total": "Bytes of component output above the allowed rate.",
    Counter "switchyard_log_lines_dropped_total": "Lines of the log that were dropped because their reader was slow.",
    Gauge "switchyard_mirror_behind_seconds": "For how long the copy of a handover has not been complete.",
    Gauge "switchyard_mirror_bytes": "Size of the copy of a handover.",
    Gauge "switchyard_mirror_commits_behind": "Commits that the copy of a handover does not have yet.",
    Gauge "switchyard_mirror_entities": "Entities that the first pass of a handover has read.",
    Counter "switchyard_nested_calls_total": "Calls of this service to other services.",
    Histogram "switchyard_release_call_seconds": "Duration of calls by release, for those that run now.",
    Counter "switchyard_release_calls_total": "Ended calls by release and outcome, for those that run now.",
    Gauge "switchyard_release_info": "1, with the digest of each live release and candidate.",
    Gauge "switchyard_release_share": "Share of the callers that a release gets, 0 to 1.",
    Counter "switchyard_requests_refused_unread_total": "Requests that were refused because their client does not read earlier answers.",
    Counter "switchyard_run_failures_total": "Runs that ended without an answer, by cause.",
    Gauge "switchyard_reuse_bytes": "Memory of the answers that reading calls may get again.",
    Counter "switchyard_reuse_evictions_total": "Answers of reading calls that were dropped to make room for others.",
    Counter "switchyard_reuse_hits_total": "Reading calls that did not run, because the answer of an earlier one was still true.",
    Counter "switchyard_reuse_misses_total": "Reading calls that ran because no earlier answer was known to be true, by cause.",
    Counter "switchyard_reuse_not_cached_total": "Answers of reading calls that no later call may get, by cause.",
    Counter "switchyard_schedule_runs_total": "Runs of scheduled functions, by outcome.",
    Counter "switchyard_spans_dropped_total": "Spans that were not exported, by cause: no room (queue), the collector, or the stop of the host.",
    Counter "switchyard_spans_exported_total": "Spans that the collector accepted.",
    Gauge "switchyard_store_bytes": "Bytes of keys and values in a store.",
    Counter "switchyard_store_commits_total": "Commits of a store.",
    Counter "switchyard_store_conflicts_total": "Commits that were refused because data that they had read had changed.",
    Histogram "switchyard_swap_pause_seconds": "Pauses that swaps of releases cause, as upper bounds.",
    Counter "switchyard_task_panics_total": "Panics of tasks and threads.",
    Counter "switchyard_task_restarts_total": "Restarts of tasks and threads after a failure.",
}

pub(super) fn description(name: &str) -> Option<&'static Description> {
    DESCRIPTIONS.iter().find(|description| description.name == name)
}

/// Describes every metric to the installed recorder.
pub(super) fn describe_all() {
    for Description { name, kind, help } in DESCRIPTIONS {
        match kind {
            Kind::Counter => describe_counter!(*name, *help),
            Kind::Gauge => describe_gauge!(*name, *help),
            Kind::Histogram => describe_histogram!(*name, *help),
        }
    }
}
