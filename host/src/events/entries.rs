//! Commits of rows of system tables alone.

use crate::names::{CallId, CommitSeq};
use crate::store::system::RowWrite;
use crate::store::{CommitDetails, CommitError, Store, StoreError};

/// Stands in the journal where a commit is of no call.
const NO_CALL: CallId = CallId([0; 16]);

/// Why something does not go on now.
#[derive(Debug)]
pub(super) enum Held {
    /// It does not go on at all until the host starts again.
    Ended,
    /// It may soon.
    Waits(String),
}

impl From<StoreError> for Held {
    fn from(error: StoreError) -> Self {
        Self::Waits(error.to_string())
    }
}

impl From<CommitError> for Held {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Stopped(_) => Self::Ended,
            error => Self::Waits(error.to_string()),
        }
    }
}

/// Makes the changes `writes` in `store`, as one commit.
pub(super) async fn put(store: &Store, writes: Vec<RowWrite>) -> Result<CommitSeq, CommitError> {
    loop {
        let mut transaction = store.begin();
        writes.iter().cloned().for_each(|write| transaction.write_row(write));
        match transaction.commit(CommitDetails { call: NO_CALL, data_version: None }).await {
            // The form of the data has changed: nothing that these are about.
            Err(CommitError::Conflict) => {}
            done => return done,
        }
    }
}
