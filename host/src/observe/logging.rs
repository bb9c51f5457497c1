//! The log: lines for people or JSON for collectors, on stderr, filtered by target and level.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Why a text is no filter.
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
/// When `filter` is no list of `level`, `target` or `target=level`.
pub fn check_filter(filter: &str) -> Result<(), FilterError> {
    parse(filter).map(|_| ())
}

/// Starts the log of this process. Once: a process has one log.
///
/// # Errors
///
/// [`LoggingError`]; nothing changed then.
pub fn start_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    let filter = parse(filter)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).finish().try_init(),
    }?;
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, FilterError> {
    Ok(EnvFilter::builder().parse(filter)?)
}

#[cfg(test)]
mod tests;
