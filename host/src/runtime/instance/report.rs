//! The report of a run that failed: what the log says, what the metrics count, and what the failure is in full.

use std::fmt::Display;

use super::failure::{Failure, over};
use super::service::Service;
use crate::names::RequestId;

/// How wasmtime says that a guest handed over more than it may. There is no type to ask for; a test holds the text.
const HANDED_TOO_MUCH: &str = "fuel allocated for hostcalls has been exhausted";

/// What is known of a run when it has ended.
pub(in crate::runtime) struct Ended<'a> {
    pub(in crate::runtime) request: &'a RequestId,
    pub(in crate::runtime) function: &'a dyn Display,
    /// Whether the guest was refused memory.
    pub(in crate::runtime) memory_refused: bool,
    pub(in crate::runtime) log_tail: String,
}

/// Logs and counts `failure`, completed with what only the state of the instance knew.
pub(in crate::runtime) fn report(service: &Service, ended: Ended<'_>, failure: Failure) -> Failure {
    let Ended { request, function, memory_refused, log_tail } = ended;
    let limits = &service.limits;
    let failure = match failure {
        Failure::Trap { .. } if memory_refused => Failure::Memory { bytes_max: limits.memory_bytes_max, log_tail },
        Failure::Trap { message, .. } if message.contains(HANDED_TOO_MUCH) => {
            over("answer_bytes_max", limits.answer_bytes_max, "it handed the host a larger value")
        }
        Failure::Trap { message, backtrace, .. } => Failure::Trap { message, backtrace, log_tail },
        other => other,
    };
    service.metrics.failed(failure.cause());
    let (log_tail, backtrace) = match &failure {
        Failure::Trap { log_tail, backtrace, .. } => (log_tail.as_str(), backtrace.as_str()),
        Failure::Memory { log_tail, .. } => (log_tail.as_str(), ""),
        _ => ("", ""),
    };
    let (service, request, error) = (&service.name, request.as_str(), failure.chain());
    tracing::warn!(%service, request, %function, error, log_tail, backtrace, "a run failed");
    failure
}
