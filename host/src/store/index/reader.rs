//! Reading the index of one store: its state as of one number, opened once for many calls.

use std::fmt;

use bytes::Bytes;
use redb::{Database, Range, ReadOnlyTable, ReadableDatabase as _, TableDefinition};

use super::error::IndexError;
use crate::names::{Key, KeyRange};

pub(in crate::store) const ENTRIES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("entries");

/// The state of one service as of one number. It stays as it is while later commits are applied.
pub(in crate::store) struct IndexReader {
    entries: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexReader").finish_non_exhaustive()
    }
}

impl IndexReader {
    pub(in crate::store) fn open(database: &Database) -> Result<Self, IndexError> {
        Ok(Self { entries: database.begin_read()?.open_table(ENTRIES)? })
    }

    /// As [`IndexReader::open`], of a database with nothing in it yet.
    pub(in crate::store) fn open_new(database: &Database) -> Result<Self, IndexError> {
        let transaction = database.begin_write()?;
        drop(transaction.open_table(ENTRIES)?);
        transaction.commit()?;
        Self::open(database)
    }

    pub(in crate::store) fn get(&self, key: &Key) -> Result<Option<Bytes>, IndexError> {
        let value = self.entries.get(key.as_bytes())?;
        Ok(value.map(|guard| Bytes::copy_from_slice(guard.value())))
    }

    /// Bytes of the value under `key`, if there is one.
    pub(in crate::store) fn value_bytes(&self, key: &Key) -> Result<Option<usize>, IndexError> {
        Ok(self.entries.get(key.as_bytes())?.map(|guard| guard.value().len()))
    }

    /// `range` is not empty.
    pub(in crate::store) fn range(
        &self,
        range: &KeyRange,
    ) -> Result<Range<'static, &'static [u8], &'static [u8]>, IndexError> {
        Ok(self.entries.range::<&[u8]>(range.start()..range.end())?)
    }
}
