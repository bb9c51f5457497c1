//! The report of a failed run: the log, the metrics, and the complete failure.

use std::fmt::Display;

use super::failure::{Failure, over};
use super::service::Service;
use crate::names::RequestId;
use crate::observe::error_chain;

/// The text by which wasmtime reports that a guest passed too much to the host. It has no error type; a test checks the
/// text.
const HANDED_TOO_MUCH: &str = "fuel allocated for hostcalls has been exhausted";

/// The facts about an ended run.
pub(in crate::runtime) struct Ended<'a> {
    pub(in crate::runtime) request: &'a RequestId,
    pub(in crate::runtime) function: &'a dyn Display,
    /// Whether the guest was refused memory.
    pub(in crate::runtime) memory_refused: bool,
    /// What the machine lacked during the run.
    pub(in crate::runtime) shortage: Option<String>,
    pub(in crate::runtime) log_tail: String,
}

/// Logs and counts `failure`, and completes it with facts from the state of the instance.
pub(in crate::runtime) fn report(service: &Service, ended: Ended<'_>, failure: Failure) -> Failure {
    let Ended { request, function, memory_refused, shortage, log_tail } = ended;
    let limits = &service.limits;
    let failure = match (failure, shortage) {
        (Failure::Trap { .. }, Some(detail)) => Failure::Resources { detail },
        (failure, _) => failure,
    };
    let failure = match failure {
        Failure::Trap { .. } if memory_refused => Failure::Memory { bytes_max: limits.memory_bytes_max, log_tail },
        Failure::Trap { message, .. } if message.contains(HANDED_TOO_MUCH) => {
            over("answer_bytes_max", limits.answer_bytes_max, "it passed a larger value to the host")
        }
        Failure::Trap { message, backtrace, .. } => Failure::Trap { message, backtrace, log_tail },
        other => other,
    };
    service.metrics.failed(failure.cause());
    if !service.log_limits.allows("a run failed") {
        return failure;
    }
    let (log_tail, backtrace) = match &failure {
        Failure::Trap { log_tail, backtrace, .. } => (log_tail.as_str(), backtrace.as_str()),
        Failure::Memory { log_tail, .. } => (log_tail.as_str(), ""),
        _ => ("", ""),
    };
    let (service, request, error) = (&service.name, request.as_str(), error_chain(&failure));
    tracing::warn!(%service, request, %function, error, log_tail, backtrace, "a run failed");
    failure
}
