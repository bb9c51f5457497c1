//! The call results of one release: for `status`, and for the comparison of a candidate with the live release.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::calls::{LatencyMicros, Outcome};
use super::latency::{Latencies, LatencyCounts};

/// The counts of one release since it started to run. Counting takes no lock.
#[derive(Debug, Default)]
pub struct ReleaseCalls {
    calls: AtomicU64,
    refused: AtomicU64,
    errors: AtomicU64,
    traps: AtomicU64,
    micros: AtomicU64,
    latencies: Latencies,
}

/// The counts of some period of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sample {
    pub calls: u64,
    /// Calls that the rules of the component refused.
    pub refused: u64,
    /// Calls that ended with neither a result nor a refusal.
    pub errors: u64,
    /// Calls that trapped, or exceeded their deadline or a limit.
    pub traps: u64,
    /// The sum of all latencies, in microseconds.
    pub micros: u64,
    pub latencies: LatencyCounts,
}

/// The figures of one release since it started to run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseFigures {
    pub calls: u64,
    pub refused: u64,
    pub errors: u64,
    pub traps: u64,
    /// From 0 to 1.
    pub error_rate: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_micros: Option<LatencyMicros>,
}

impl ReleaseCalls {
    /// Records that a call ended, `took` after it was admitted or rejected.
    pub fn ended(&self, outcome: Outcome, took: Duration) {
        self.calls.fetch_add(1, Relaxed);
        if outcome.is_error() {
            self.errors.fetch_add(1, Relaxed);
        } else if outcome == Outcome::Refused {
            self.refused.fetch_add(1, Relaxed);
        }
        if matches!(outcome, Outcome::Trap | Outcome::Deadline | Outcome::Limit) {
            self.traps.fetch_add(1, Relaxed);
        }
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
        self.latencies.record(took);
    }

    #[must_use]
    pub fn sample(&self) -> Sample {
        let load = |count: &AtomicU64| count.load(Relaxed);
        // Read the parts before the total, so that a call that ends in between cannot make a part larger than the
        // total.
        let (refused, errors, traps) = (load(&self.refused), load(&self.errors), load(&self.traps));
        let micros = load(&self.micros);
        Sample { calls: load(&self.calls), refused, errors, traps, micros, latencies: self.latencies.counts() }
    }

    #[must_use]
    pub fn figures(&self) -> ReleaseFigures {
        self.sample().figures()
    }
}

impl Sample {
    /// The counts of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            refused: self.refused.saturating_add(other.refused),
            errors: self.errors.saturating_add(other.errors),
            traps: self.traps.saturating_add(other.traps),
            micros: self.micros.saturating_add(other.micros),
            latencies: self.latencies.and(&other.latencies),
        }
    }

    /// The counts since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            refused: self.refused.saturating_sub(earlier.refused),
            errors: self.errors.saturating_sub(earlier.errors),
            traps: self.traps.saturating_sub(earlier.traps),
            micros: self.micros.saturating_sub(earlier.micros),
            latencies: self.latencies.since(&earlier.latencies),
        }
    }

    #[must_use]
    pub fn figures(&self) -> ReleaseFigures {
        let percentile = |percent| self.latencies.percentile_micros(percent);
        ReleaseFigures {
            calls: self.calls,
            refused: self.refused,
            errors: self.errors,
            traps: self.traps,
            error_rate: if self.calls == 0 { 0.0 } else { self.errors as f64 / self.calls as f64 },
            latency_micros: percentile(50).zip(percentile(99)).map(|(p50, p99)| LatencyMicros { p50, p99 }),
        }
    }
}

/// Most reporters of one release whose counts are told apart. There are at most 64 nodes, and each counts anew after every
/// change of releases.
const REPORTERS_MAX: usize = 256;

/// Who counted: a node, and since when it counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reporter {
    /// Microseconds since the Unix epoch.
    pub since: u64,
    pub node: String,
}

/// The counts of one release that other nodes of a cluster have reported.
#[derive(Debug, Default)]
pub struct ReportedCalls(Mutex<Reported>);

#[derive(Debug, Default)]
struct Reported {
    /// All that each reporter has counted.
    last: BTreeMap<Reporter, Sample>,
    /// The sum of the oldest ones, which count no more.
    ended: Sample,
}

impl ReportedCalls {
    /// Takes what `reporter` has counted until now. The same report may come again, or after a later one.
    pub fn take(&self, reporter: Reporter, sample: Sample) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.last.get(&reporter).is_some_and(|last| last.calls >= sample.calls) {
            return;
        }
        reported.last.insert(reporter, sample);
        if reported.last.len() > REPORTERS_MAX
            && let Some((_, oldest)) = reported.last.pop_first()
        {
            reported.ended = reported.ended.and(&oldest);
        }
    }

    #[must_use]
    pub fn sum(&self) -> Sample {
        let reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reported.last.values().fold(reported.ended.clone(), |sum, sample| sum.and(sample))
    }
}

#[cfg(test)]
mod tests;
