//! Exports the ended spans in batches, in the background.
//!
//! Invariant: each span is exported, or counted as dropped.

use std::error::Error as _;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::collector::{Collector, CollectorError, ExportError};
use super::encode;
use super::ended_span::EndedSpan;
use super::headers::{HeadersFileError, read_headers};
use super::span::Shared;
use super::tracer::Tracer;
use crate::observe::LogLimit;

/// How long spans wait for more of them.
const EXPORT_EVERY: Duration = Duration::from_secs(1);

/// How often a batch is sent before it is dropped, and the wait before the second attempt, which doubles each time: a
/// collector that restarts is back within these seconds.
const ATTEMPTS_MAX: u32 = 4;
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);

/// The longest wait that a collector may ask for: until then the queue takes the spans of a quiet host.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// Where spans go.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// The base address of the collector.
    pub endpoint: String,
    /// The name of this host in the traces.
    pub service_name: String,
    /// The share of new traces that are recorded, 0 to 1.
    pub sampled: f64,
    /// How long one export may take.
    pub timeout: Duration,
    /// A file of headers for the collector.
    pub headers_file: Option<PathBuf>,
}

/// Why spans cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(transparent)]
    Collector(#[from] CollectorError),
    #[error(transparent)]
    Headers(#[from] HeadersFileError),
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
}

/// Exports the spans of one tracer.
#[derive(Debug)]
pub struct Exporter {
    shared: Arc<Shared>,
    collector: Collector,
    service_name: String,
    failures: LogLimit,
}

/// A tracer, and the exporter of its spans. Call it after [`crate::observe::Metrics::start`].
///
/// # Errors
///
/// [`TelemetryError`]. Whether the collector can be reached shows only later.
pub fn start_traces(settings: &ExportSettings) -> Result<(Tracer, Arc<Exporter>), TelemetryError> {
    let headers = settings.headers_file.as_deref().map(read_headers).transpose()?.unwrap_or_default();
    let collector = Collector::new(&settings.endpoint, headers, settings.timeout)?;
    let (tracer, shared) = Tracer::new(settings.sampled)?;
    let (service_name, failures) = (settings.service_name.clone(), LogLimit::default());
    Ok((tracer, Arc::new(Exporter { shared, collector, service_name, failures })))
}

impl Exporter {
    /// Exports until `stop` resolves; then [`Exporter::flush`] has the rest.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = self.shared.queue.wait_for_batch() => {}
                () = tokio::time::sleep(EXPORT_EVERY) => {}
            }
            loop {
                let batch = self.shared.queue.take();
                if batch.is_empty() {
                    break;
                }
                let sent = tokio::select! {
                    biased;
                    () = &mut stop => None,
                    sent = self.send_or_retry(&batch) => Some(sent),
                };
                match sent {
                    // The collector may have got it already: spans that come twice do less harm than spans that are lost.
                    None => return self.shared.queue.put_back(batch),
                    Some(sent) => self.account(&batch, sent),
                }
            }
        }
    }

    /// Exports what is left, until an export fails. Spans that are not exported `within` this time are dropped.
    pub async fn flush(&self, within: Duration) {
        let (until, queue) = (Instant::now() + within, &self.shared.queue);
        loop {
            let batch = queue.take();
            if batch.is_empty() {
                return;
            }
            let export = self.collector.export(encode::request(&self.service_name, &batch));
            match tokio::time::timeout_at(until, export).await {
                Ok(Ok(rejected)) => self.account(&batch, Ok(rejected)),
                // The next export would fail too, and the host would stop later.
                Ok(Err(error)) => {
                    self.account(&batch, Err(error));
                    break;
                }
                Err(_elapsed) => {
                    queue.put_back(batch);
                    break;
                }
            }
        }
        let left = queue.len();
        if left == 0 {
            return;
        }
        queue.metrics.stopped.increment(u64::try_from(left).unwrap_or(u64::MAX));
        tracing::warn!(spans = left, "spans were not exported before the host stopped");
    }

    /// Sends a batch, again after a temporary failure. Returns the number of spans that the collector rejected.
    async fn send_or_retry(&self, batch: &[EndedSpan]) -> Result<u64, ExportError> {
        let body = encode::request(&self.service_name, batch);
        let mut wait = RETRY_AFTER_MIN;
        for _attempt in 1..ATTEMPTS_MAX {
            match self.collector.export(body.clone()).await {
                Err(error) if error.may_retry() => {
                    self.report(&error, "an export of spans failed: it is tried again");
                    let asked = error.retry_after().unwrap_or(wait);
                    tokio::time::sleep(asked.min(RETRY_AFTER_MAX)).await;
                    wait *= 2;
                }
                sent => return sent,
            }
        }
        self.collector.export(body).await
    }

    /// Counts the spans of a batch as exported or dropped.
    fn account(&self, batch: &[EndedSpan], sent: Result<u64, ExportError>) {
        let (all, metrics) = (u64::try_from(batch.len()).unwrap_or(u64::MAX), &self.shared.queue.metrics);
        match sent {
            Ok(rejected) => {
                let rejected = rejected.min(all);
                metrics.exported.increment(all - rejected);
                metrics.refused.increment(rejected);
                if rejected > 0 && self.failures.allows() {
                    tracing::warn!(rejected, "the collector rejected spans: its log says why");
                }
            }
            Err(error) => {
                metrics.refused.increment(all);
                self.report(&error, "spans are dropped, because their export failed");
            }
        }
    }

    /// Logs a failure, unless another one was logged just before.
    fn report(&self, error: &ExportError, what: &str) {
        if self.failures.allows() {
            let cause = error.source().map(ToString::to_string);
            tracing::warn!(%error, cause, "{what}");
        }
    }
}
