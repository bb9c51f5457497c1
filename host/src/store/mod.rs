//! The services' stores: transactions over a redb index and the commits that it does not contain yet, in the order of
//! the journal.
//!
//! Invariant: a call reads the state at one number, and its commit is serializable.

#[cfg(feature = "fail-points")]
mod apart;
pub(crate) mod backup;
mod begin;
mod checkpoint;
mod cluster;
mod commit;
mod error;
mod handle;
mod host_commit;
mod index;
mod lock;
mod memory;
mod open;
mod replay;
mod scrub;
mod services;
mod stores;
pub mod system;
mod transaction;

#[cfg(test)]
mod tests;

pub(crate) use backup::restore;
pub use backup::{
    BACKUP_FORMAT, BackupDocument, BackupError, Cancelled, DocumentError, Progress, RestoreError, RestoreOrder,
    Restored, Until,
};
pub use cluster::JoinError;
pub(crate) use cluster::copies::{Copies, CopySettings, Stored};
pub use cluster::copies::{CopyError, LoadError};
pub(crate) use cluster::reseed::OfflineNode;
pub use cluster::reseed::{ReseedError, ReseedPlan, StreamState};
pub(crate) use cluster::{ClusterMember, ClusterView, ClusterViewSender, Observer};
pub use commit::commit_log::Validity;
pub use commit::read_set::ReadSet;
pub use commit::writes_after::RecentWrites;
pub use error::{CloseError, CommitError, DropError, OpenError, SnapshotError, StoreError};
pub use handle::Store;
pub use host_commit::HostCommit;
pub use index::INDEX_FORMAT;
pub use index::error::{IndexError, IndexOpenError};
pub use lock::LockHolder;
pub use memory::pinned_snapshot::PinnedSnapshot;
pub use memory::scan::{Direction, Entry, Page, Scan};
pub use services::UnusedStore;
#[cfg(any(test, feature = "fail-points"))]
pub use stores::Contents;
pub use stores::{Health, Stores};
pub use transaction::{CommitDetails, Effects, Transaction};

pub use crate::journal::{Event, Stopped};
