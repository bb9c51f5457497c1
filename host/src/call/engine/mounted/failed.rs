//! The client's error for a request without a response, and whom a failure is blamed on.

use crate::call::engine::answer::CallError;
use crate::call::engine::failure::LACKING;
use crate::names::ServiceName;
use crate::runtime::Failure;
use crate::store::StoreError;

/// Whether a failure counts against the release. A client that sends its body slowly can use up the time of any guest
/// that reads it.
pub(super) fn is_blamed(failure: &Failure) -> bool {
    match failure {
        Failure::Deadline => false,
        Failure::Store(error) => !matches!(error, StoreError::Index(_) | StoreError::KeyNotText),
        failure => !failure.is_of_host(),
    }
}

/// The error for the client. The runtime has logged the reason.
pub(super) fn error_of(failure: &Failure, service: &ServiceName) -> CallError {
    let over = |limit| CallError::OverLimit { service: service.clone(), limit };
    match failure {
        Failure::Deadline => CallError::Deadline { service: service.clone() },
        Failure::Memory { .. } => over("memory_bytes_max"),
        Failure::Limit { name, .. } => over(name),
        Failure::Slots { .. } => CallError::unavailable(service, "no instance is free"),
        Failure::Resources { .. } => CallError::unavailable(service, LACKING),
        Failure::Trap { .. } | Failure::Store(_) | Failure::Nested(_) => CallError::Failed { service: service.clone() },
    }
}
