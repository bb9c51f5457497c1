//! The commit of a run, whether a call of a contract or a request of a mounted service.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout_at;

use super::answer::CallError;
use crate::call::routing::Service;
use crate::names::{CallId, CommitSeq, ServiceName};
use crate::store::{CommitDetails, CommitError, StoreError, Transaction};

/// Why a run was not committed.
#[derive(Debug)]
pub(in crate::call::engine) enum NotCommitted {
    Conflict(Conflict),
    Refused(CommitError),
    Deadline,
}

/// Another call committed first, and changed something that the run read.
#[derive(Debug)]
pub(in crate::call::engine) struct Conflict {
    /// As in [`CommitError::Conflict`].
    pub(in crate::call::engine) read: Option<Arc<str>>,
}

/// Commits `transaction` of the run `call`. An exclusive run holds the lock of the service.
pub(in crate::call::engine) async fn commit(
    service: &Service,
    transaction: Transaction,
    call: CallId,
    is_exclusive: bool,
    deadline: Instant,
) -> Result<CommitSeq, NotCommitted> {
    let shares = !is_exclusive && transaction.has_effects();
    let commit = timeout_at(deadline.into(), async {
        let _shared = if shares { Some(service.exclusive.read().await) } else { None };
        transaction.commit(CommitDetails { call, data_version: None }).await
    });
    match commit.await {
        Ok(Ok(number)) => Ok(number),
        Ok(Err(CommitError::Conflict { read })) => {
            service.calls.conflicted();
            Err(NotCommitted::Conflict(Conflict { read }))
        }
        Ok(Err(refused)) => Err(NotCommitted::Refused(refused)),
        Err(_elapsed) => Err(NotCommitted::Deadline),
    }
}

/// The caller's error for a commit that the store refused.
pub(in crate::call::engine) fn refused(service: &ServiceName, refused: &CommitError) -> CallError {
    match refused {
        CommitError::Stopped(stopped) => CallError::Stopped(stopped.clone()),
        CommitError::Quota { .. } => CallError::unavailable(service, "its store is full"),
        CommitError::NoRoom { .. } => CallError::unavailable(service, "the disk is full"),
        CommitError::TooLarge { .. } | CommitError::Store(StoreError::CommitTooLarge) => {
            CallError::OverLimit { service: service.clone(), limit: "commit_bytes" }
        }
        CommitError::Store(_) => CallError::unavailable(service, "its store cannot be read"),
        CommitError::Dropped { .. } => CallError::unavailable(service, "it was removed, and its store dropped"),
        CommitError::Conflict { .. } | CommitError::Rehearsal => CallError::Failed { service: service.clone() },
    }
}
