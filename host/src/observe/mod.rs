//! Metrics, traces and logs. Only this module names metrics; each part of the host has a file with its handles.

pub mod calls;
pub(crate) mod events;
pub mod gateway;
mod intents;
pub mod journal;
pub(crate) mod kept_answers;
mod latency;
mod log_limit;
mod log_queue;
mod logging;
pub mod mirror;
mod recorder;
mod releases;
pub mod runtime;
mod shadow;
mod swaps;
pub(crate) mod tasks;

pub(crate) use intents::IntentMetrics;
pub use latency::Latencies;
pub(crate) use log_limit::LogLimit;
pub use logging::{FilterError, Log, LogFormat, LoggingError, check_filter, start_logging};
pub use recorder::Metrics;
pub use releases::{ReleaseCalls, ReleaseFigures, Sample};
pub use shadow::{Difference, FunctionReport, ShadowReport};
pub(crate) use swaps::SwapPauses;
