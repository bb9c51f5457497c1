//! The recorder: stores the metrics of all parts and renders them for Prometheus.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::descriptions::describe_all;
use super::events::EVENT_DELIVERY;
use super::exposition::{Exposition, ReleaseSeries};
use super::swaps::SWAP_PAUSE;
use crate::fail_point::fail_point;

/// Bounds of histograms whose name ends in `_seconds`: from a short read call to a call at its deadline.
const SECONDS: [f64; 18] = [
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0,
];

/// Bounds of the pauses that a swap causes: from the change of a pointer to a migration.
const PAUSES: [f64; 14] = [
    0.000_001,
    0.000_002_5,
    0.000_005,
    0.000_01,
    0.000_025,
    0.000_05,
    0.000_1,
    0.000_25,
    0.000_5,
    0.001,
    0.01,
    0.1,
    1.0,
    10.0,
];

/// Bounds of the delay between the commit and the delivery of an event: from the run of a call to a service that was
/// down for hours. They are fine around 100 ms, the target for nearly all deliveries.
const DELIVERIES: [f64; 29] = [
    0.000_25, 0.000_5, 0.001, 0.001_5, 0.002, 0.003, 0.004, 0.005, 0.007_5, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06,
    0.07, 0.08, 0.09, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1.0, 10.0, 100.0, 10_000.0,
];

/// Bounds of histograms whose name ends in `_bytes`.
const BYTES: [f64; 8] = [256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 8_388_608.0];

/// Bounds of all other histograms, which hold counts such as the commits of a batch.
const COUNTS: [f64; 13] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];

/// How often the values of histograms are summed up; until then, each single value is stored.
const UPKEEP_PERIOD: Duration = Duration::from_secs(1);

/// The metrics of this process. All hosts of a process share them: handles are global.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// The metrics of this process; the first call starts them. Handles that were created before count nothing.
    #[must_use]
    pub fn start() -> Self {
        static STARTED: OnceLock<PrometheusHandle> = OnceLock::new();
        Self(STARTED.get_or_init(install).clone())
    }

    /// All metrics that were counted so far, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// All metrics so far, and those of `releases`, of this process, and of the disk that has the folder `data`.
    #[must_use]
    pub fn render_all(&self, releases: &[ReleaseSeries], data: &Path) -> String {
        let mut text = Exposition(self.0.render());
        text.releases(releases);
        text.process(data);
        text.0
    }

    /// Stops histograms from growing while the future is polled. One such task per process is enough; more do no harm.
    pub async fn maintain(self) {
        loop {
            tokio::time::sleep(UPKEEP_PERIOD).await;
            fail_point("metrics.before-upkeep");
            self.0.run_upkeep();
        }
    }
}

fn install() -> PrometheusHandle {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&COUNTS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".into()), &BYTES))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(SWAP_PAUSE.into()), &PAUSES))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(EVENT_DELIVERY.into()), &DELIVERIES))
        .expect("no list of bounds is empty")
        .build_recorder();
    let handle = recorder.handle();
    // A program that embeds the host may have its own recorder. It then gets the values, and `/metrics` is empty.
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("another metrics recorder is installed: it gets the values, and /metrics stays empty");
    }
    describe_all();
    handle
}
