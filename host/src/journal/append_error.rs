//! Why a record was not appended.

use std::io;
use std::sync::Arc;

use super::durable::Stopped;

/// Why a record was not appended. The journal is unchanged.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("the record has {bytes} bytes, but a segment has room for {bytes_max}: raise `segment_bytes`")]
    TooLarge { bytes: u64, bytes_max: u64 },
    /// The next segment is being prepared: wait for the notification of room.
    #[error("the next segment is not ready yet")]
    NotReady,
    /// A segment has ended since the pieces of the record were staged: stage it again.
    #[error("the pieces of the record are in an earlier segment")]
    Moved,
    #[error("there is no room for the journal on the disk")]
    NoRoom { source: Arc<io::Error> },
    #[error(transparent)]
    Stopped(#[from] Stopped),
}
