//! Metrics of deliveries and schedules.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use crate::names::ServiceName;

/// Its histogram bounds are finer and reach further than those of other times.
pub(super) const EVENT_DELIVERY: &str = "switchyard_events_delivery_seconds";

/// The events that one service receives from another.
#[derive(Debug)]
pub(crate) struct DeliveryMetrics {
    pub(crate) delivered: Counter,
    /// Failed deliveries, retried or not.
    pub(crate) failed: Counter,
    pub(crate) retried: Counter,
    pub(crate) dead: Counter,
    /// Events that became dead letters without an attempt, because the emitter's outbox was full.
    overflowed: Counter,
    /// From the commit of an event to the commit of its delivery.
    seconds: Histogram,
    lag_events: Gauge,
    lag_seconds: Gauge,
}

impl DeliveryMetrics {
    pub(crate) fn new(subscriber: &ServiceName, emitter: &ServiceName) -> Self {
        let labels = || [("service", subscriber.to_string()), ("from", emitter.to_string())];
        Self {
            delivered: counter!("switchyard_events_delivered_total", &labels()),
            failed: counter!("switchyard_events_failed_total", &labels()),
            retried: counter!("switchyard_events_retried_total", &labels()),
            dead: counter!("switchyard_events_dead_total", &labels()),
            overflowed: counter!("switchyard_events_overflowed_total", &labels()),
            seconds: histogram!(EVENT_DELIVERY, &labels()),
            lag_events: gauge!("switchyard_events_lag", &labels()),
            lag_seconds: gauge!("switchyard_events_lag_seconds", &labels()),
        }
    }

    /// Records a delivery, `took` after the event was committed.
    pub(crate) fn delivered(&self, took: Duration) {
        self.delivered.increment(1);
        self.seconds.record(took.as_secs_f64());
    }

    /// Records events that became dead letters without an attempt.
    pub(crate) fn overflowed(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.dead.increment(count);
        self.overflowed.increment(count);
    }

    /// Sets how many events wait for delivery, and the age of the oldest.
    pub(crate) fn lags(&self, events: usize, oldest: Duration) {
        self.lag_events.set(events as f64);
        self.lag_seconds.set(oldest.as_secs_f64());
    }
}

/// Counts dead letters of `service` that were deleted because there were too many.
pub(crate) fn dead_letters_deleted(service: &ServiceName, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    counter!("switchyard_dead_letters_deleted_total", "service" => service.to_string()).increment(count);
}

/// The runs of one schedule.
#[derive(Debug)]
pub(crate) struct ScheduleMetrics {
    pub(crate) ok: Counter,
    pub(crate) failed: Counter,
}

impl ScheduleMetrics {
    pub(crate) fn new(service: &ServiceName, function: &str) -> Self {
        let runs = |outcome: &'static str| {
            let labels =
                [("service", service.to_string()), ("function", function.into()), ("outcome", outcome.to_owned())];
            counter!("switchyard_schedule_runs_total", &labels)
        };
        Self { ok: runs("ok"), failed: runs("failed") }
    }
}
