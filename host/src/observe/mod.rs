//! Metrics, traces and logs. Only this module names metrics; each part of the host has a file with its handles.

mod build;
pub mod calls;
mod descriptions;
pub(crate) mod events;
mod exposition;
pub mod gateway;
mod intents;
pub mod journal;
pub(crate) mod kept_answers;
mod latency;
mod log_limit;
mod log_queue;
mod logging;
pub mod mirror;
mod process;
mod recent_log;
mod recorder;
mod releases;
pub mod reuse;
pub mod runtime;
mod shadow;
mod swaps;
pub(crate) mod tasks;
pub mod traces;

pub use build::{COMMIT, VERSION, WASMTIME};
pub use exposition::ReleaseSeries;
pub(crate) use intents::IntentMetrics;
pub use latency::Latencies;
pub(crate) use log_limit::{LogLimit, LogLimits};
pub use logging::{FilterError, Log, LogFormat, LoggingError, check_filter, flush_recent_log, start_logging};
pub use recent_log::{LOG_FOLDER, LogFilter, LogPage, LogPosition, read_recent};
pub use recorder::Metrics;
pub use releases::{ReleaseCalls, ReleaseFigures, Sample};
pub use shadow::{Difference, FunctionReport, ShadowReport};
pub(crate) use swaps::SwapPauses;
