//! The store of one service: what its commits and its readers share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::futures::Notified;

use super::commit::read_set::ReadSet;
use super::commit::sequencer::Pipeline;
use super::commit::state::StoreState;
use super::memory::snapshot::Snapshot;
use super::system::{Table, Usage};
use crate::journal::Stopped;
use crate::names::{CommitSeq, ServiceName};

/// The store of one service.
#[derive(Clone)]
pub struct Store {
    state: Arc<StoreState>,
    pipeline: Arc<Pipeline>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("service", self.name()).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(state: StoreState, pipeline: Arc<Pipeline>) -> Self {
        Self { state: Arc::new(state), pipeline }
    }

    /// As [`super::Stores::wait_durable`].
    ///
    /// # Errors
    ///
    /// As [`super::Stores::wait_durable`].
    ///
    /// # Cancel safety
    ///
    /// As [`super::Stores::wait_durable`].
    pub async fn wait_durable(&self, number: CommitSeq) -> Result<(), Stopped> {
        self.pipeline.journal.wait_durable(number).await
    }

    /// Bytes of the component's keys and values that are stored.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.state.snapshot.load().totals.bytes
    }

    /// Bytes of the rows of all system tables. They count for no quota.
    #[must_use]
    pub fn platform_bytes(&self) -> u64 {
        self.state.snapshot.load().totals.system_bytes()
    }

    /// What the rows of `table` come to.
    #[must_use]
    pub fn usage<K>(&self, table: &Table<K>) -> Usage {
        self.state.snapshot.load().totals.usage(table)
    }

    /// The version of the data, as the last commit that changed it said; 0 at first.
    #[must_use]
    pub fn data_version(&self) -> u64 {
        self.state.snapshot.load().totals.data_version
    }

    /// Resolves when a commit that emits something is made after this was called and enabled or polled.
    pub fn emission(&self) -> Notified<'_> {
        self.state.emitted.notified()
    }

    /// From now on the store may hold so many bytes. One that holds more takes only what makes it smaller.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state.set_bytes_max(bytes_max);
    }

    /// Whether all that was read is still as it was. False also when that is not known any more, as much was committed
    /// since.
    #[must_use]
    pub fn unchanged(&self, reads: &ReadSet) -> bool {
        self.state.log.is_unchanged(reads, |_| {})
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.state.name
    }

    /// Whether the index has every commit.
    #[cfg(test)]
    pub(super) fn is_applied(&self) -> bool {
        self.snapshot().memory_bytes() == 0
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.state.snapshot.load_full()
    }

    pub(super) fn durable(&self) -> CommitSeq {
        self.pipeline.journal.durable()
    }

    pub(super) fn state(&self) -> &StoreState {
        &self.state
    }

    pub(super) fn shared_state(&self) -> &Arc<StoreState> {
        &self.state
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }
}
