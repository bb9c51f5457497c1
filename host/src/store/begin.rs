//! Beginning transactions, and reading rows without one.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;

use super::error::StoreError;
use super::pinned::PinnedSnapshot;
use super::store::Store;
use super::system::{Cursor, Emitted, OUTBOX, RowKey, Rows, Table};
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
}

impl PinnedSnapshot {
    /// Begins a transaction on the snapshot that may write but is never committed; none when the store has let go of
    /// the snapshot.
    #[must_use]
    pub fn rehearse(&self) -> Option<Transaction> {
        self.state().map(Transaction::rehearsal)
    }
}
