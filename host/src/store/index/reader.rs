//! Reads the index of one store: its state at one number, opened once for many calls.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase as _, TableDefinition};

use super::checksum::{self, CHECKSUM_BYTES};
use super::error::IndexError;
use super::health::IndexHealth;
use crate::names::{Key, KeyRange};

/// Keys, and values with their checksums.
pub(super) const ENTRIES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

/// The state of one service at one number. It does not change while later commits are applied.
pub(in crate::store) struct IndexReader {
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
    health: Arc<IndexHealth>,
}

impl fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexReader").field("path", &self.health.path).finish_non_exhaustive()
    }
}

impl IndexReader {
    pub(in crate::store) fn open(database: &Database, health: Arc<IndexHealth>) -> Result<Self, IndexError> {
        let entries = health.guard(|| Ok(database.begin_read()?.open_table(ENTRIES)?))?;
        Ok(Self { entries, health })
    }

    /// Like [`IndexReader::open`], for an empty database.
    pub(in crate::store) fn open_new(database: &Database, health: Arc<IndexHealth>) -> Result<Self, IndexError> {
        let transaction = database.begin_write()?;
        drop(transaction.open_table(ENTRIES)?);
        transaction.commit()?;
        Self::open(database, health)
    }

    pub(in crate::store) fn get(&self, key: &Key) -> Result<Option<Bytes>, IndexError> {
        self.health.guard(|| {
            let stored = self.entries.get(key.as_bytes())?;
            stored.map(|stored| self.value(key.as_bytes(), stored.value())).transpose()
        })
    }

    fn value(&self, key: &[u8], stored: &[u8]) -> Result<Bytes, IndexError> {
        let value = checksum::decode(key, stored).ok_or_else(|| self.health.is_damaged(key))?;
        Ok(Bytes::copy_from_slice(value))
    }

    /// Bytes of the value under `key`, if there is one.
    pub(in crate::store) fn value_bytes(&self, key: &Key) -> Result<Option<usize>, IndexError> {
        self.health.guard(|| {
            let stored = self.entries.get(key.as_bytes())?;
            Ok(stored.map(|stored| stored.value().len().saturating_sub(CHECKSUM_BYTES)))
        })
    }

    /// The entries of `range`, which is not empty, in order. Without `with_values`, only their keys: no value is read
    /// or checked.
    pub(in crate::store) fn range(
        &self,
        range: &KeyRange,
        with_values: bool,
    ) -> Result<impl DoubleEndedIterator<Item = Result<(Vec<u8>, Bytes), IndexError>> + '_, IndexError> {
        let entries = self.health.guard(|| Ok(self.entries.range::<&[u8]>(range.start()..range.end())?))?;
        let read = move |entry: RedbEntry| {
            let (key, stored) = entry?;
            let key = key.value().to_vec();
            let value = if with_values { self.value(&key, stored.value())? } else { Bytes::new() };
            Ok((key, value))
        };
        Ok(Guarded { entries, health: &self.health, read })
    }
}

type RedbEntry =
    Result<(redb::AccessGuard<'static, &'static [u8]>, redb::AccessGuard<'static, &'static [u8]>), redb::StorageError>;

/// An iterator of entries whose reading may make redb panic.
struct Guarded<'r, R> {
    entries: redb::Range<'static, &'static [u8], &'static [u8]>,
    health: &'r IndexHealth,
    read: R,
}

impl<R, T> Iterator for Guarded<'_, R>
where
    R: Fn(RedbEntry) -> Result<T, IndexError>,
{
    type Item = Result<T, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.health.guard(|| self.entries.next().map(&self.read).transpose()).transpose()
    }
}

impl<R, T> DoubleEndedIterator for Guarded<'_, R>
where
    R: Fn(RedbEntry) -> Result<T, IndexError>,
{
    fn next_back(&mut self) -> Option<Self::Item> {
        self.health.guard(|| self.entries.next_back().map(&self.read).transpose()).transpose()
    }
}
