//! The store of one service: what its commits and its readers share.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::error::StoreError;
use super::overlay::View;
use super::reads::Reads;
use super::sequencer::Pipeline;
use super::snapshot::Snapshots;
use super::system::{Cursor, Emitted, OUTBOX, RowKey, Rows, Table, Usage};
use super::transaction::Transaction;
use crate::journal::Stopped;
use crate::names::{CommitSeq, ServiceName};
use crate::observe::journal::StoreMetrics;

/// One service as the pipeline has it.
#[derive(Debug)]
pub(super) struct ServiceState {
    pub(super) name: ServiceName,
    pub(super) view: ArcSwap<View>,
    pub(super) metrics: StoreMetrics,
    pub(super) snapshots: Snapshots,
    /// Told of each commit that emitted something.
    pub(super) emitted: Notify,
    bytes_max: AtomicU64,
    /// The number of the record that ended the store; 0 as long as there is none. Changed under the sequencer's lock.
    dropped: AtomicU64,
}

impl ServiceState {
    pub(super) fn new(name: ServiceName, bytes_max: u64, view: View) -> Self {
        let metrics = StoreMetrics::new(&name);
        metrics.stored_bytes.set(view.totals.bytes as f64);
        let (bytes_max, dropped) = (AtomicU64::new(bytes_max), AtomicU64::new(0));
        let (view, snapshots) = (ArcSwap::from_pointee(view), Snapshots::default());
        Self { name, view, metrics, snapshots, emitted: Notify::new(), bytes_max, dropped }
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self) -> Option<CommitSeq> {
        Some(CommitSeq(self.dropped.load(Ordering::Acquire))).filter(|number| number.0 > 0)
    }

    pub(super) fn drop_store(&self, number: CommitSeq) {
        self.dropped.store(number.0, Ordering::Release);
        self.metrics.stored_bytes.set(0.0);
    }
}

/// The store of one service.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    state: ServiceState,
    pipeline: Arc<Pipeline>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("service", self.name()).finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(state: ServiceState, pipeline: Arc<Pipeline>) -> Self {
        Self { inner: Arc::new(Inner { state, pipeline }) }
    }

    /// Begins a transaction on the state as of the last commit, durable or not.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.clone(), false)
    }

    /// As [`Store::begin`]; a write is then an error.
    #[must_use]
    pub fn begin_read(&self) -> Transaction {
        Transaction::new(self.clone(), true)
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
        self.inner.pipeline.journal.wait_durable(number).await
    }

    /// Bytes of the component's keys and values that are stored.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.state.view.load().totals.bytes
    }

    /// Bytes of the rows of all system tables. They count for no quota.
    #[must_use]
    pub fn platform_bytes(&self) -> u64 {
        self.inner.state.view.load().totals.system_bytes()
    }

    /// What the rows of `table` come to.
    #[must_use]
    pub fn usage<K>(&self, table: &Table<K>) -> Usage {
        self.inner.state.view.load().totals.usage(table)
    }

    /// As [`Transaction::get_row`], of the state as of the last commit, durable or not.
    ///
    /// # Errors
    ///
    /// As [`Transaction::get_row`].
    pub fn get_row<K: RowKey>(&self, table: &Table<K>, key: &K) -> Result<Option<Bytes>, StoreError> {
        self.begin_read().get_row(table, key)
    }

    /// As [`Transaction::scan_rows`], of the state as of the last commit, durable or not.
    ///
    /// # Errors
    ///
    /// As [`Transaction::scan_rows`].
    pub fn scan_rows<K: RowKey>(
        &self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Rows<K>, StoreError> {
        self.begin_read().scan_rows(table, range, limit)
    }

    /// The version of the data, as the last commit that changed it said; 0 at first.
    #[must_use]
    pub fn data_version(&self) -> u64 {
        self.inner.state.view.load().totals.data_version
    }

    /// The oldest events that wait to be delivered, behind the one at `after`; `limit` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    pub fn emitted(&self, after: Option<Cursor>, limit: u32) -> Result<Vec<Emitted>, StoreError> {
        let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.scan_rows(&OUTBOX, (behind, Bound::Unbounded), limit)?;
        let read = |(cursor, value): &(Cursor, Bytes)| {
            let unreadable = || StoreError::Row { key: OUTBOX.key(cursor).to_string() };
            Emitted::of_row(*cursor, value).ok_or_else(unreadable)
        };
        page.rows.iter().map(read).collect()
    }

    /// Resolves when a commit that emits something is made after this was called and enabled or polled.
    pub fn emission(&self) -> Notified<'_> {
        self.inner.state.emitted.notified()
    }

    /// From now on the store may hold so many bytes. One that holds more takes only what makes it smaller.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.inner.state.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Whether all that was read is still as it was. False also when that is not known any more, as much was committed
    /// since.
    #[must_use]
    pub fn unchanged(&self, reads: &Reads) -> bool {
        let view = self.inner.state.view.load();
        let unchanged = view.is_unchanged(reads);
        if unchanged {
            reads.is_good_at(view.number);
        }
        unchanged
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.inner.state.name
    }

    /// Whether the index has every commit.
    #[cfg(test)]
    pub(super) fn is_applied(&self) -> bool {
        let view = self.view();
        view.young_bytes == 0 && view.old_bytes == 0
    }

    pub(super) fn view(&self) -> Arc<View> {
        self.inner.state.view.load_full()
    }

    pub(super) fn durable(&self) -> CommitSeq {
        self.inner.pipeline.journal.durable()
    }

    pub(super) fn state(&self) -> &ServiceState {
        &self.inner.state
    }

    pub(super) fn pipeline(&self) -> &Pipeline {
        &self.inner.pipeline
    }
}
