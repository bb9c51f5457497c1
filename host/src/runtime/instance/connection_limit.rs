//! The open connections of one call and of one release to outside hosts.
//!
//! Invariant: a connection counts from its request until the guest has read the response, or has dropped it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::{OUTGOING_PER_CALL_MAX, OUTGOING_PER_RELEASE_MAX};

/// Connections that may be open at once.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimit(Arc<Semaphore>);

/// A connection that counts while this exists.
#[derive(Debug)]
pub(super) struct OpenConnection {
    _of_call: OwnedSemaphorePermit,
    _of_release: OwnedSemaphorePermit,
}

/// The limit that a further connection would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConnectionLimitError {
    #[error("the call has {OUTGOING_PER_CALL_MAX} connections to outside hosts open, the most that one call may have")]
    OfCall,
    #[error(
        "the calls of the service have {OUTGOING_PER_RELEASE_MAX} connections to outside hosts open, the most that one \
         service may have"
    )]
    OfRelease,
}

impl ConnectionLimit {
    pub(super) fn of_call() -> Self {
        Self(Arc::new(Semaphore::new(OUTGOING_PER_CALL_MAX)))
    }

    pub(super) fn of_release() -> Self {
        Self(Arc::new(Semaphore::new(OUTGOING_PER_RELEASE_MAX)))
    }

    /// Counts a connection of a call of this limit. It does not wait: a guest that waits for its own responses would
    /// never continue.
    pub(super) fn enter(&self, release: &Self) -> Result<OpenConnection, ConnectionLimitError> {
        let permit = |limit: &Self| Arc::clone(&limit.0).try_acquire_owned();
        let of_call = permit(self).map_err(|_none_left| ConnectionLimitError::OfCall)?;
        let of_release = permit(release).map_err(|_none_left| ConnectionLimitError::OfRelease)?;
        Ok(OpenConnection { _of_call: of_call, _of_release: of_release })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_and_a_release_have_so_many_connections_and_no_more() {
        let (release, mut open) = (ConnectionLimit::of_release(), Vec::new());
        for _call in 0..OUTGOING_PER_RELEASE_MAX / OUTGOING_PER_CALL_MAX {
            let call = ConnectionLimit::of_call();
            open.extend((0..OUTGOING_PER_CALL_MAX).map(|_| call.enter(&release).unwrap()));
            assert_eq!(call.enter(&release).unwrap_err(), ConnectionLimitError::OfCall);
        }
        let another = ConnectionLimit::of_call();
        assert_eq!(another.enter(&release).unwrap_err(), ConnectionLimitError::OfRelease);
        drop(open.pop());
        assert!(another.enter(&release).is_ok(), "a connection that has ended counts no more");
    }
}
