//! The call counts of each service: for `/metrics`, and as figures for `status`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use serde::Serialize;

use super::Latencies;
use crate::names::ServiceName;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// The component returned `err`, or answered with a status from 400 to 499: its rules refuse the request.
    Refused,
    /// A component that speaks HTTP itself answered with a status from 500 on.
    Failed,
    /// The component trapped.
    Trap,
    Deadline,
    /// The call exceeded a limit of its service: memory, events, answer size, depth.
    Limit,
    /// It did not run (no slot, an open circuit, no release), its store is full, or a service that it called was
    /// unavailable.
    Unavailable,
    /// The host failed: the store or the journal stopped.
    Host,
}

impl Outcome {
    /// In the order of the declaration: the index of an outcome is its number.
    const ALL: [Self; 8] =
        [Self::Ok, Self::Refused, Self::Failed, Self::Trap, Self::Deadline, Self::Limit, Self::Unavailable, Self::Host];

    /// Whether the caller got neither a result nor a refusal by rule. This is the one meaning of "error" in figures,
    /// metrics and verdicts on candidates.
    pub(super) fn is_error(self) -> bool {
        !matches!(self, Self::Ok | Self::Refused)
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Limit => "limit",
            Self::Unavailable => "unavailable",
            Self::Host => "host",
        }
    }
}

/// The counts of one service, created once for each service; counting allocates nothing and takes no lock.
#[derive(Debug)]
pub struct ServiceCalls {
    /// In the order of [`Outcome::ALL`].
    outcomes: [Count; 8],
    latency: Histogram,
    latencies: Latencies,
    conflicts: Count,
    turns: Count,
    nested: Count,
    in_flight: Level,
    waiting: Level,
}

impl ServiceCalls {
    /// Call it after [`super::Metrics::start`]; otherwise `/metrics` does not show these counts.
    #[must_use]
    pub fn new(service: &ServiceName) -> Arc<Self> {
        let service = || service.to_string();
        let outcome =
            |outcome: Outcome| counter!("switchyard_calls_total", "service" => service(), "outcome" => outcome.label());
        Arc::new(Self {
            outcomes: Outcome::ALL.map(|kind| Count::new(outcome(kind))),
            latency: histogram!("switchyard_call_seconds", "service" => service()),
            latencies: Latencies::default(),
            conflicts: Count::new(counter!("switchyard_call_conflicts_total", "service" => service())),
            turns: Count::new(counter!("switchyard_call_turns_total", "service" => service())),
            nested: Count::new(counter!("switchyard_nested_calls_total", "service" => service())),
            in_flight: Level::new(gauge!("switchyard_calls_in_flight", "service" => service())),
            waiting: Level::new(gauge!("switchyard_calls_waiting", "service" => service())),
        })
    }

    /// Records that a call ended, `took` after it was admitted or rejected.
    pub fn ended(&self, outcome: Outcome, took: Duration) {
        if let Some(count) = self.count(outcome) {
            count.add();
        }
        self.latency.record(took.as_secs_f64());
        self.latencies.record(took);
    }

    /// Records that a run of a call lost against another commit and will run again.
    pub fn conflicted(&self) {
        self.conflicts.add();
    }

    /// Records that a call waited for its turn.
    pub fn had_turn(&self) {
        self.turns.add();
    }

    /// Records a nested call from this service to another one.
    pub fn called_another(&self) {
        self.nested.add();
    }

    /// Counts a running call until the returned guard is dropped.
    pub fn run(self: &Arc<Self>) -> Counted {
        Counted::enter(self, |calls| &calls.in_flight)
    }

    /// Counts a waiting call until the returned guard is dropped.
    pub fn wait(self: &Arc<Self>) -> Counted {
        Counted::enter(self, |calls| &calls.waiting)
    }

    /// The number of calls that wait for admission now.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.get()
    }

    /// The counts since the start.
    #[must_use]
    pub fn figures(&self) -> CallFigures {
        let counted = |outcome| self.count(outcome).map_or(0, Count::get);
        let errors = CallErrors {
            failed: counted(Outcome::Failed),
            trap: counted(Outcome::Trap),
            deadline: counted(Outcome::Deadline),
            limit: counted(Outcome::Limit),
            unavailable: counted(Outcome::Unavailable),
            host: counted(Outcome::Host),
        };
        CallFigures {
            calls: self.outcomes.iter().map(Count::get).sum(),
            refused: counted(Outcome::Refused),
            errors,
            latency_micros: self.latency_micros(),
            conflicts: self.conflicts.get(),
            turns: self.turns.get(),
            reused: 0,
            nested_calls: self.nested.get(),
            in_flight: self.in_flight.get(),
            waiting: self.waiting.get(),
        }
    }

    fn count(&self, outcome: Outcome) -> Option<&Count> {
        self.outcomes.get(outcome as usize)
    }

    fn latency_micros(&self) -> Option<LatencyMicros> {
        let percentile = |percent| self.latencies.percentile_micros(percent);
        Some(LatencyMicros { p50: percentile(50)?, p99: percentile(99)? })
    }
}

/// The figures of one service since the start of the host, as `GET /services` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallFigures {
    pub calls: u64,
    pub refused: u64,
    pub errors: CallErrors,
    /// Absent before the first call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_micros: Option<LatencyMicros>,
    pub conflicts: u64,
    /// Runs that waited for their turn, because calls of their kind had lost commits.
    pub turns: u64,
    /// Calls that did not run, because the answer of an earlier one was still true.
    pub reused: u64,
    pub nested_calls: u64,
    pub in_flight: u64,
    pub waiting: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallErrors {
    pub failed: u64,
    pub trap: u64,
    pub deadline: u64,
    pub limit: u64,
    pub unavailable: u64,
    pub host: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LatencyMicros {
    pub p50: u64,
    pub p99: u64,
}

/// A count that can be read, and its metric, which cannot be read.
#[derive(Debug)]
struct Count {
    value: AtomicU64,
    metric: Counter,
}

impl Count {
    fn new(metric: Counter) -> Self {
        // Register the metric, so that it shows as 0 before the first count.
        metric.increment(0);
        Self { value: AtomicU64::new(0), metric }
    }

    fn add(&self) {
        self.value.fetch_add(1, Relaxed);
        self.metric.increment(1);
    }

    fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

#[derive(Debug)]
struct Level {
    value: AtomicU64,
    metric: Gauge,
}

impl Level {
    fn new(metric: Gauge) -> Self {
        metric.set(0.0);
        Self { value: AtomicU64::new(0), metric }
    }

    fn get(&self) -> u64 {
        self.value.load(Relaxed)
    }
}

/// Counts something in progress until it is dropped.
#[derive(Debug)]
#[must_use = "what is dropped at once is not counted"]
pub struct Counted {
    calls: Arc<ServiceCalls>,
    level: fn(&ServiceCalls) -> &Level,
}

impl Counted {
    fn enter(calls: &Arc<ServiceCalls>, level: fn(&ServiceCalls) -> &Level) -> Self {
        let entered = level(calls);
        entered.value.fetch_add(1, Relaxed);
        entered.metric.increment(1.0);
        Self { calls: Arc::clone(calls), level }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let left = (self.level)(&self.calls);
        left.value.fetch_sub(1, Relaxed);
        left.metric.decrement(1.0);
    }
}

#[cfg(test)]
mod tests;
