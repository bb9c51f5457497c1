//! The log: lines for people or JSON for collectors, on stderr, filtered by target and level.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use super::log_limit::LogLimit;
use super::log_queue::{LogQueue, QueueWriter};
use super::recent_log::RecentLogWriter;

/// The lines about requests. They are not part of the recent log: they would push everything else out of it.
const ACCESS: &str = "switchyard::access";

/// The lines that the recent log of this process does not have yet.
static RECENT: OnceLock<Arc<LogQueue>> = OnceLock::new();

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Why a text is no valid filter.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct FilterError(#[from] tracing_subscriber::filter::ParseError);

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error("the log filter is malformed")]
    Filter(#[from] FilterError),
    #[error("the log of this process is already set up")]
    AlreadyStarted(#[from] TryInitError),
}

/// # Errors
///
/// If `filter` is no list of `level`, `target` or `target=level`.
pub fn check_filter(filter: &str) -> Result<(), FilterError> {
    parse(filter).map(|_| ())
}

/// The log of this process.
#[derive(Debug)]
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
    queue: Arc<LogQueue>,
}

/// Starts the log of this process, including the panics of all threads. Call it once: a process has one log. Lines stay
/// in the queue until [`Log::write`] runs.
///
/// # Errors
///
/// [`LoggingError`]; then nothing has changed.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<Log, LoggingError> {
    let (filtering, filter) = reload::Layer::new(parse(filter)?);
    let queue = Arc::new(LogQueue::default());
    let lines = Arc::clone(&queue);
    let lines = fmt::layer().with_writer(move || QueueWriter(Arc::clone(&lines))).log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let recent = Arc::clone(RECENT.get_or_init(Arc::default));
    let recorded = fmt::layer().with_writer(move || QueueWriter(Arc::clone(&recent))).log_internal_errors(false);
    let recorded = recorded.json().flatten_event(true).with_current_span(false);
    let recorded = recorded.with_filter(filter_fn(|line| line.target() != ACCESS));
    tracing_subscriber::registry().with(filtering).with(lines).with(recorded).try_init()?;
    let limit = LogLimit::of_requests();
    std::panic::set_hook(Box::new(move |panic| {
        if !limit.allows() {
            return;
        }
        let (location, message) = (panic.location().map(ToString::to_string), panic.payload_as_str());
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(location, message, backtrace, "a thread panicked");
    }));
    Ok(Log { filter, queue })
}

impl Log {
    /// Writes the lines to standard error until the process ends.
    pub fn write(&self) {
        self.queue.write_to(std::io::stderr());
    }

    /// Writes the recent log to `folder` until the process ends. Without such a folder, the lines are dropped.
    pub fn write_recent(&self, folder: &Path) {
        let queue = RECENT.get_or_init(Arc::default);
        match RecentLogWriter::open(folder) {
            Ok(log) => queue.write_to(log),
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "the recent log cannot be written: `switchyard logs` shows nothing new");
                queue.write_to(std::io::sink())
            }
        }
    }

    /// Waits until every line is written, but no longer than `wait`.
    pub fn flush(&self, wait: Duration) {
        self.queue.flush(wait);
    }

    /// Replaces the filter from now on.
    ///
    /// # Errors
    ///
    /// If `filter` is malformed; then nothing has changed.
    pub fn set_filter(&self, filter: &str) -> Result<(), FilterError> {
        let filter = parse(filter)?;
        // The subscriber of a process lives until the process ends.
        let _there = self.filter.reload(filter);
        Ok(())
    }
}

/// Waits until the recent log has every line that was logged before, but no longer than `wait`.
pub fn flush_recent_log(wait: Duration) {
    if let Some(recent) = RECENT.get() {
        recent.flush(wait);
    }
}

fn parse(filter: &str) -> Result<EnvFilter, FilterError> {
    Ok(EnvFilter::builder().parse(filter)?)
}

#[cfg(test)]
mod tests;
