//! Open intents: their number, their age, and the outcome of retries.

use std::time::Duration;

use metrics::{Counter, Gauge, counter, gauge};

/// The metrics of open intents, created once; counting looks up no name.
#[derive(Debug)]
pub(crate) struct IntentMetrics {
    open: Gauge,
    oldest: Gauge,
    ended: Counter,
    failed: Counter,
}

impl Default for IntentMetrics {
    fn default() -> Self {
        let attempts = |result: &'static str| counter!("switchyard_intent_attempts_total", "result" => result);
        Self {
            open: gauge!("switchyard_intents_open"),
            oldest: gauge!("switchyard_intents_oldest_seconds"),
            ended: attempts("ended"),
            failed: attempts("failed"),
        }
    }
}

impl IntentMetrics {
    /// Sets how many are open now, and how long ago the call of the oldest one started.
    pub(crate) fn open(&self, count: usize, oldest: Duration) {
        // Exact up to 2^53, which is more than can exist.
        self.open.set(count as f64);
        self.oldest.set(oldest.as_secs_f64());
    }

    /// Records a retry of one; `ended`: it is now finished.
    pub(crate) fn ran(&self, ended: bool) {
        if ended { self.ended.increment(1) } else { self.failed.increment(1) }
    }
}
