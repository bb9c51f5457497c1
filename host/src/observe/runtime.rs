//! Metrics of running components, per service.

use metrics::{Counter, Gauge, counter, gauge};

use crate::names::ServiceName;

/// The handles of one service, created once: no name is looked up while a component runs.
#[derive(Clone)]
pub struct RuntimeMetrics {
    /// Instances that exist now.
    instances: Gauge,
    /// Bytes of component output above its allowed bytes per second.
    pub log_bytes_dropped: Counter,
    service: ServiceName,
}

impl std::fmt::Debug for RuntimeMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeMetrics").field("service", &self.service).finish_non_exhaustive()
    }
}

impl RuntimeMetrics {
    #[must_use]
    pub fn new(service: &ServiceName) -> Self {
        let label = [("service", service.to_string())];
        Self {
            instances: gauge!("switchyard_instances", &label),
            log_bytes_dropped: counter!("switchyard_log_dropped_bytes_total", &label),
            service: service.clone(),
        }
    }

    /// Counts an instance until the returned guard is dropped.
    #[must_use]
    pub fn count_instance(&self) -> CountedInstance {
        self.instances.increment(1);
        CountedInstance(self.instances.clone())
    }

    /// Counts a run that ended without an answer. Failures are rare, so this one looks up its counter.
    pub fn failed(&self, cause: &'static str) {
        counter!("switchyard_run_failures_total", "service" => self.service.to_string(), "cause" => cause).increment(1);
    }
}

/// Counts an existing instance until it is dropped.
pub struct CountedInstance(Gauge);

impl std::fmt::Debug for CountedInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CountedInstance")
    }
}

impl Drop for CountedInstance {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
