//! The caller's error for a run without an answer, and for a commit that the store refused.

use std::time::Duration;

use super::answer::CallError;
use super::call::Call;
use super::commit;
use super::record::NestedError;
use crate::names::ServiceName;
use crate::runtime::Failure;
use crate::store::{CommitError, StoreError};

/// What a client gets to know of a shortage.
const LACKING: &str = "the host has too little memory or too few descriptors";

impl Call {
    /// The caller's error for a failed run. `nested` is the failure of a nested call. The runtime has logged the
    /// reason.
    pub(in crate::call::engine) fn failed(&self, failure: Failure, nested: Option<NestedError>) -> CallError {
        if self.blames_component(&failure, nested.as_ref()) {
            self.count_failure();
        }
        let service = self.backend.service.name();
        match (failure, nested) {
            (Failure::Nested(_), Some(NestedError::Call { error })) => error,
            (Failure::Nested(_), Some(NestedError::Limit { name, .. })) => {
                CallError::OverLimit { service: service.clone(), limit: name }
            }
            (failure, _) => error_of(&failure, service),
        }
    }

    /// Whether a failure counts against the release. A failure of another service or of the host does not count, and
    /// neither does a deadline that the caller set too short.
    fn blames_component(&self, failure: &Failure, nested: Option<&NestedError>) -> bool {
        match failure {
            Failure::Trap { .. } | Failure::Memory { .. } | Failure::Limit { .. } => true,
            Failure::Deadline => {
                let own = Duration::from_millis(self.backend.service.limits.deadline_ms);
                self.deadline.duration_since(self.begun) >= own / 2
            }
            Failure::Store(error) => !matches!(error, StoreError::Index(_) | StoreError::KeyNotText),
            Failure::Slots { .. } | Failure::Resources { .. } | Failure::OnlyReads => false,
            Failure::Nested(_) => !matches!(nested, Some(NestedError::Call { .. })),
        }
    }

    /// The caller's error for a commit that the store refused.
    pub(in crate::call::engine) fn refused(&self, refused: &CommitError) -> CallError {
        let service = self.backend.service.name();
        let error = commit::refused(service, refused);
        if matches!(error, CallError::Stopped(_)) {
            return error;
        }
        if self.backend.service.log_limits.allows("commit refused") {
            let (function, request) = (&self.function.name.wit, self.root.details.request.as_str());
            tracing::warn!(%service, %function, request, error = %refused, "commit refused");
        }
        error
    }

    pub(in crate::call::engine) fn deadline_passed(&self) -> CallError {
        CallError::Deadline { service: self.backend.service.name().clone() }
    }
}

/// The caller's error for a run that failed by itself. The runtime has logged the reason.
pub(in crate::call::engine) fn error_of(failure: &Failure, service: &ServiceName) -> CallError {
    let over = |limit| CallError::OverLimit { service: service.clone(), limit };
    match failure {
        Failure::Deadline => CallError::Deadline { service: service.clone() },
        Failure::Memory { .. } => over("memory_bytes_max"),
        Failure::Limit { name, .. } => over(name),
        Failure::Slots { .. } => CallError::unavailable(service, "no instance is free"),
        Failure::Resources { .. } => CallError::unavailable(service, LACKING),
        Failure::OnlyReads => CallError::OnlyReads { service: service.clone() },
        Failure::Trap { .. } | Failure::Store(_) | Failure::Nested(_) => CallError::Failed { service: service.clone() },
    }
}
