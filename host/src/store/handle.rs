//! The store of one service: the state that its commits and its readers share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::futures::Notified;

use super::commit::commit_log::Validity;
use super::commit::read_set::ReadSet;
use super::commit::sequencer::Pipeline;
use super::commit::state::StoreState;
use super::commit::writes_after::RecentWrites;
use super::memory::snapshot::Snapshot;
use super::system::{Table, Usage};
use crate::journal::Stopped;
use crate::names::{CommitSeq, Generation, ServiceName};

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

    /// Like [`super::Stores::wait_durable`].
    ///
    /// # Errors
    ///
    /// Like [`super::Stores::wait_durable`].
    ///
    /// # Cancel safety
    ///
    /// Like [`super::Stores::wait_durable`].
    pub async fn wait_durable(&self, number: CommitSeq) -> Result<(), Stopped> {
        self.pipeline.journal.wait_durable(number).await
    }

    /// Bytes of the component's keys and values in the store, in both generations of its data.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.state.snapshot.load().totals.component_bytes()
    }

    /// Bytes of the component's keys and values in one generation of its data.
    #[must_use]
    pub fn bytes_of(&self, generation: Generation) -> u64 {
        self.state.snapshot.load().totals.of_generation(generation)
    }

    /// Bytes of the rows of all system tables. They do not count for a quota.
    #[must_use]
    pub fn platform_bytes(&self) -> u64 {
        self.state.snapshot.load().totals.system_bytes()
    }

    /// The number and the size of the rows of `table`.
    #[must_use]
    pub fn usage<K>(&self, table: &Table<K>) -> Usage {
        self.state.snapshot.load().totals.usage(table)
    }

    /// The version of the data; 0 at first.
    #[must_use]
    pub fn data_version(&self) -> u64 {
        self.state.snapshot.load().totals.data_version
    }

    /// Resolves when a commit emits an event after the future was enabled or polled.
    pub fn emission(&self) -> Notified<'_> {
        self.state.emitted.notified()
    }

    /// Sets the quota in bytes. A store that holds more accepts only commits that make it smaller.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state.set_bytes_max(bytes_max);
    }

    /// Whether a new transaction would read what `reads` has, in data of `data_version`. Compares at most `commits_max`
    /// commits.
    ///
    /// A commit is in the log before a transaction can read it. So once anybody has read a commit, or knows that it was
    /// made, this takes it into account.
    #[must_use]
    pub fn validity(&self, reads: &ReadSet, data_version: u64, commits_max: usize) -> Validity {
        let validity = self.state.log.validity(reads, commits_max);
        if self.state.dropped().is_some() {
            return Validity::Unknown;
        }
        if self.data_version() != data_version {
            return Validity::Changed;
        }
        validity
    }

    /// The writes to the entries of `generation` after the commit `since`; `None` when so much was committed that this is
    /// not known any more.
    #[must_use]
    pub fn writes_after(&self, since: CommitSeq, generation: Generation) -> Option<RecentWrites> {
        RecentWrites::after(&self.state.log, since, generation)
    }

    /// Notes that one generation of the data holds the same entities as `live` did after the commit `number`. Snapshots from
    /// now until the next write of an entry can then be read in both: see [`super::PinnedSnapshot::rehearse_on`]. If a
    /// later commit has written `live`, nothing is noted.
    pub fn mark_copied(&self, live: Generation, number: CommitSeq) {
        self.pipeline.mark_copied(&self.state, live, number);
    }

    /// The number of its last commit.
    #[must_use]
    pub fn last_commit(&self) -> CommitSeq {
        self.state.snapshot.load().number
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.state.name
    }

    /// Whether the index contains every commit.
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
