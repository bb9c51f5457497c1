//! Metrics of the export.

use metrics::{Counter, counter};

/// Created once, after [`crate::observe::Metrics::start`].
#[derive(Debug)]
pub(super) struct ExportMetrics {
    pub(super) exported: Counter,
    /// Dropped because the queue had no room.
    pub(super) no_room: Counter,
    /// Dropped because the collector refused them or could not be reached.
    pub(super) refused: Counter,
    /// Dropped because the host stopped before they were exported.
    pub(super) stopped: Counter,
}

impl ExportMetrics {
    pub(super) fn new() -> Self {
        let dropped = |why: &'static str| counter!("switchyard_spans_dropped_total", "why" => why);
        Self {
            exported: counter!("switchyard_spans_exported_total"),
            no_room: dropped("queue"),
            refused: dropped("collector"),
            stopped: dropped("stop"),
        }
    }
}
