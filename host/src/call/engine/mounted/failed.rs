//! Whom the failure of a request is blamed on.

use crate::runtime::Failure;
use crate::store::StoreError;

/// Whether a failure counts against the release. A client that sends its body slowly can use up the time of any guest
/// that reads it.
pub(super) fn is_blamed(failure: &Failure) -> bool {
    match failure {
        Failure::Deadline | Failure::OnlyReads => false,
        Failure::Store(error) => !matches!(error, StoreError::Index(_) | StoreError::KeyNotText),
        failure => !failure.is_of_host(),
    }
}
