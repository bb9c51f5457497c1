//! Commits that contain only system rows, and the reasons why deliveries and schedules pause.

use crate::names::{CallId, CommitSeq};
use crate::store::system::RowWrite;
use crate::store::{CommitDetails, CommitError, Store, StoreError};

/// The call id in the journal for a commit that belongs to no call.
const NO_CALL: CallId = CallId([0; 16]);

/// Why a loop pauses.
#[derive(Debug)]
pub(super) enum Pause {
    /// It continues after the next start of the host.
    Stopped,
    /// It retries soon.
    Waits(String),
}

impl From<StoreError> for Pause {
    fn from(error: StoreError) -> Self {
        Self::Waits(error.to_string())
    }
}

impl From<CommitError> for Pause {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stopped(_) => Self::Stopped,
            error => Self::Waits(error.to_string()),
        }
    }
}

/// Puts or deletes system rows of `store`, as one commit.
pub(super) async fn commit(store: &Store, rows: Vec<RowWrite>) -> Result<CommitSeq, CommitError> {
    loop {
        let mut transaction = store.begin();
        rows.iter().cloned().for_each(|row| transaction.write_row(row));
        match transaction.commit(CommitDetails { call: NO_CALL, data_version: None }).await {
            // The data has a new version, but these rows do not depend on it.
            Err(CommitError::Conflict { .. }) => {}
            done => return done,
        }
    }
}
