//! Begins transactions, and reads rows without one.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use super::error::{SnapshotError, StoreError};
use super::handle::Store;
use super::memory::pinned_snapshot::PinnedSnapshot;
use super::system::{Emitted, EventSeq, OUTBOX, OutboxKey, RowKey, Rows, Table};
use super::transaction::Transaction;
use crate::names::Generation;

impl Store {
    /// Begins a transaction on the state after the last commit, durable or not.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.clone(), false)
    }

    /// Like [`Store::begin`], but a write is an error.
    #[must_use]
    pub fn begin_read(&self) -> Transaction {
        Transaction::new(self.clone(), true)
    }

    /// Like [`Transaction::get_row`], on the state after the last commit, durable or not.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::get_row`].
    pub fn get_row<K: RowKey>(&self, table: &Table<K>, key: &K) -> Result<Option<Bytes>, StoreError> {
        self.begin_read().get_row(table, key)
    }

    /// Like [`Transaction::scan_rows`], on the state after the last commit, durable or not.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::scan_rows`].
    pub fn scan_rows<K: RowKey>(
        &self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Rows<K>, StoreError> {
        self.begin_read().scan_rows(table, range, limit)
    }

    /// The keys of the first rows of `range`, at most `limit`. Reads no value.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::scan_rows`].
    pub fn row_keys<K: RowKey>(
        &self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Vec<K>, StoreError> {
        self.begin_read().row_keys(table, range, limit)
    }

    /// The oldest events that wait for delivery after the one at `after`, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    pub fn emitted(&self, after: Option<EventSeq>, limit: u32) -> Result<Vec<Emitted>, StoreError> {
        let behind = after.map_or(Bound::Unbounded, |seq| Bound::Excluded(OutboxKey::last_of(seq)));
        let page = self.scan_rows(&OUTBOX, (behind, Bound::Unbounded), limit)?;
        let read = |(key, value): &(OutboxKey, Bytes)| {
            let unreadable = || StoreError::Row { key: OUTBOX.key(key).to_string() };
            Emitted::of_row(*key, value).ok_or_else(unreadable)
        };
        page.rows.iter().map(read).collect()
    }

    /// The keys of the oldest events after the one at `after`, at most `limit`. Reads no event.
    ///
    /// # Errors
    ///
    /// Like [`Store::emitted`].
    pub fn emitted_keys(&self, after: EventSeq, limit: u32) -> Result<Vec<OutboxKey>, StoreError> {
        let behind = Bound::Excluded(OutboxKey::last_of(after));
        self.row_keys(&OUTBOX, (behind, Bound::Unbounded), limit)
    }
}

impl PinnedSnapshot {
    /// Begins a transaction on what the call read, which may write but is never committed; `None` when the store has
    /// released the snapshot.
    #[must_use]
    pub fn rehearse(&self) -> Option<Transaction> {
        self.rehearse_on(self.generation()).ok()
    }

    /// Like [`PinnedSnapshot::rehearse`], on this generation of the data: what the call read, or a copy that held exactly
    /// the same then.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`], above all when the copy was behind.
    pub fn rehearse_on(&self, generation: Generation) -> Result<Transaction, SnapshotError> {
        let snapshot = self.state().ok_or(SnapshotError::Released)?;
        if generation != self.generation() && !snapshot.is_copied {
            return Err(SnapshotError::Behind);
        }
        Ok(Transaction::rehearsal(snapshot).in_generation(generation))
    }
}
