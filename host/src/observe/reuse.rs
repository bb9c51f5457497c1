//! Metrics of cached answers of one service.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::{Counter, Gauge, counter, gauge};

use crate::names::ServiceName;

/// Why a call ran although a cache was asked for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// No answer is cached, or only one of a call that was less deep.
    New,
    /// A commit changed what the cached answer depends on.
    Changed,
    /// So much was committed since the answer was last used that this is not known.
    Old,
    /// Another release, configuration, limit or copy of the data answers now.
    Release,
    /// Its time is over.
    Expired,
    /// The circuit of a release that it depends on is open.
    Circuit,
}

/// Why an answer is not cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCached {
    Clock,
    Randomness,
    /// The run sent a request to a host outside.
    Outside,
    Log,
    /// The machine lacked something.
    Shortage,
    /// A service below was not available, and the caller handled that.
    Unavailable,
    /// Reuse is off for a service below.
    Off,
    /// The answer, or what it depends on, takes too much room.
    Large,
}

#[derive(Debug)]
pub struct ReuseMetrics {
    hits: AtomicU64,
    hits_metric: Counter,
    misses: [Counter; 6],
    not_cached: [Counter; 8],
    evictions: Counter,
    bytes: Gauge,
}

impl ReuseMetrics {
    #[must_use]
    pub fn new(service: &ServiceName) -> Self {
        let service = || service.to_string();
        let registered = |counter: Counter| {
            // Registers the metric, so that it shows as 0 before the first count.
            counter.increment(0);
            counter
        };
        let miss =
            |cause| registered(counter!("switchyard_reuse_misses_total", "service" => service(), "cause" => cause));
        let not =
            |cause| registered(counter!("switchyard_reuse_not_cached_total", "service" => service(), "cause" => cause));
        let bytes = gauge!("switchyard_reuse_bytes", "service" => service());
        bytes.set(0.0);
        Self {
            hits: AtomicU64::new(0),
            hits_metric: registered(counter!("switchyard_reuse_hits_total", "service" => service())),
            misses: ["new", "changed", "old", "release", "expired", "circuit"].map(miss),
            not_cached: ["clock", "randomness", "outside", "log", "shortage", "unavailable", "off", "large"].map(not),
            evictions: registered(counter!("switchyard_reuse_evictions_total", "service" => service())),
            bytes,
        }
    }

    pub fn hit(&self) {
        self.hits.fetch_add(1, Relaxed);
        self.hits_metric.increment(1);
    }

    /// The number of hits since the start.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    pub fn missed(&self, cause: Miss) {
        self.misses.iter().skip(cause as usize).take(1).for_each(|counter| counter.increment(1));
    }

    pub fn not_cached(&self, cause: NotCached) {
        self.not_cached.iter().skip(cause as usize).take(1).for_each(|counter| counter.increment(1));
    }

    pub fn evicted(&self) {
        self.evictions.increment(1);
    }

    pub fn set_bytes(&self, bytes: usize) {
        // Exact up to 2^53, which is more than can exist.
        self.bytes.set(bytes as f64);
    }
}
