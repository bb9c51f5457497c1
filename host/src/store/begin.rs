//! Beginning transactions, and reading rows without one.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use super::error::StoreError;
use super::handle::Store;
use super::memory::pinned::PinnedSnapshot;
use super::system::{Emitted, EventSeq, OUTBOX, OutboxKey, RowKey, Rows, Table};
use super::transaction::Transaction;

impl Store {
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

    /// The keys of the first rows of `range`; `limit` at most. No value is read.
    ///
    /// # Errors
    ///
    /// As [`Transaction::scan_rows`].
    pub fn row_keys<K: RowKey>(
        &self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Vec<K>, StoreError> {
        self.begin_read().row_keys(table, range, limit)
    }

    /// The oldest events that wait to be delivered, behind the one at `after`; `limit` at most.
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

    /// The keys of the oldest events behind the one at `after`; `limit` at most. No event is read.
    ///
    /// # Errors
    ///
    /// As [`Store::emitted`].
    pub fn emitted_keys(&self, after: EventSeq, limit: u32) -> Result<Vec<OutboxKey>, StoreError> {
        let behind = Bound::Excluded(OutboxKey::last_of(after));
        self.row_keys(&OUTBOX, (behind, Bound::Unbounded), limit)
    }
}

impl PinnedSnapshot {
    /// Begins a transaction on the snapshot that may write but is never committed; none when the store has let go of
    /// the snapshot.
    #[must_use]
    pub fn rehearse(&self) -> Option<Transaction> {
        self.state().map(Transaction::rehearsal)
    }
}
