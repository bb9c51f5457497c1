//! The definition of a system table: a typed key, a retention class and a budget. A table does not interpret its
//! values.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::table_id::TableId;
use crate::names::{Key, KeyRange, NameError};
use crate::store::StoreError;

/// The key of a row. Rows are sorted by the encoded bytes.
pub trait RowKey: Sized {
    fn encode(&self, fields: &mut Vec<u8>);
    /// `None` for bytes that [`RowKey::encode`] does not write.
    fn decode(fields: &[u8]) -> Option<Self>;
}

/// How long a row stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For the time in the configuration.
    ForATime,
    /// While a call that may need the row can still run.
    WhileNeeded,
    /// Until the work that it represents is done.
    UntilDone,
    UntilTheOperatorDecides,
    WithTheService,
}

/// The maximum size of a table in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// A share of the service's `kept_bytes_max`.
    Percent(u8),
    /// One row per emitter or schedule in the contract, which are few.
    RowPerContract,
    /// One small row per entity of the component's data, which its quota bounds.
    RowPerEntity,
}

/// A system table whose rows have keys of the type `K`.
pub struct Table<K> {
    id: TableId,
    retention: Retention,
    budget: Budget,
    key: PhantomData<fn() -> K>,
}

/// The size of a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// One page of a scan, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<K> {
    pub rows: Vec<(K, Bytes)>,
    /// Whether more rows follow: the page reached the limit, or its maximum size.
    pub more: bool,
}

/// A row to put or to delete, in the commit of its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredWrite", into = "StoredWrite")]
pub struct RowWrite {
    pub(in crate::store) key: Key,
    pub(in crate::store) value: Option<Bytes>,
    /// Whether there is no such row yet, so that nobody has to look.
    pub(in crate::store) is_new: bool,
}

impl<K> fmt::Debug for Table<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Table").field(&self.id).finish()
    }
}

impl<K> Table<K> {
    pub(super) const fn new(id: TableId, retention: Retention, budget: Budget) -> Self {
        Self { id, retention, budget, key: PhantomData }
    }

    pub(super) const fn percent(&self) -> u8 {
        match self.budget {
            Budget::Percent(percent) => percent,
            Budget::RowPerContract | Budget::RowPerEntity => 0,
        }
    }

    #[must_use]
    pub const fn id(&self) -> TableId {
        self.id
    }

    #[must_use]
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// The bytes it may use in a store whose service may keep `kept_bytes_max`.
    #[must_use]
    pub const fn bytes_max(&self, kept_bytes_max: u64) -> u64 {
        match self.budget {
            Budget::Percent(percent) => {
                kept_bytes_max / 100 * percent as u64 + kept_bytes_max % 100 * percent as u64 / 100
            }
            Budget::RowPerContract | Budget::RowPerEntity => u64::MAX,
        }
    }
}

impl<K: RowKey> Table<K> {
    /// A write of `value` under `key`, in place of an existing value.
    #[must_use]
    pub fn put(&self, key: &K, value: impl Into<Bytes>) -> RowWrite {
        RowWrite { key: self.key(key), value: Some(value.into()), is_new: false }
    }

    /// Like [`Table::put`], of a row that does not exist.
    #[must_use]
    pub fn add(&self, key: &K, value: impl Into<Bytes>) -> RowWrite {
        RowWrite { is_new: true, ..self.put(key, value) }
    }

    /// A deletion of the row under `key`, if it exists.
    #[must_use]
    pub fn delete(&self, key: &K) -> RowWrite {
        RowWrite { key: self.key(key), value: None, is_new: false }
    }

    pub(in crate::store) fn key(&self, key: &K) -> Key {
        Key::of_row(self.id.byte(), &encoded(key))
    }

    /// The key of a row of this table; `None` when `bytes` are not such a key.
    pub(in crate::store) fn decode(&self, bytes: &[u8]) -> Option<K> {
        let (table, fields) = crate::names::row(bytes)?;
        (table == self.id.byte()).then(|| K::decode(fields)).flatten()
    }

    /// Like [`Table::decode`], for bytes that must be a key of this table.
    pub(in crate::store) fn read_key(&self, bytes: &[u8]) -> Result<K, StoreError> {
        self.decode(bytes).ok_or_else(|| StoreError::Row { key: String::from_utf8_lossy(bytes).into_owned() })
    }

    pub(in crate::store) fn range(&self, range: &impl RangeBounds<K>) -> KeyRange {
        let behind = |key: &K| {
            let mut fields = encoded(key);
            fields.push(0);
            fields
        };
        let start = match range.start_bound() {
            Bound::Included(key) => Some(encoded(key)),
            Bound::Excluded(key) => Some(behind(key)),
            Bound::Unbounded => None,
        };
        let end = match range.end_bound() {
            Bound::Included(key) => Some(behind(key)),
            Bound::Excluded(key) => Some(encoded(key)),
            Bound::Unbounded => None,
        };
        KeyRange::of_rows(self.id.byte(), start.as_deref(), end.as_deref())
    }
}

fn encoded(key: &impl RowKey) -> Vec<u8> {
    let mut fields = Vec::with_capacity(64);
    key.encode(&mut fields);
    fields
}

impl RowWrite {
    /// Bytes that it takes in a commit.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.key.as_bytes().len() + self.value.as_ref().map_or(0, Bytes::len)
    }

    #[cfg(feature = "fail-points")]
    pub(in crate::store) fn is_of(&self, table: TableId) -> bool {
        self.key.row().is_some_and(|(byte, _)| byte == table.byte())
    }
}

/// The form of a write in a stored intent.
#[derive(Debug, Serialize, Deserialize)]
struct StoredWrite(Vec<u8>, Option<Vec<u8>>);

impl From<RowWrite> for StoredWrite {
    fn from(RowWrite { key, value, is_new: _ }: RowWrite) -> Self {
        Self(key.as_bytes().into(), value.map(Into::into))
    }
}

impl TryFrom<StoredWrite> for RowWrite {
    type Error = NameError;

    fn try_from(StoredWrite(key, value): StoredWrite) -> Result<Self, NameError> {
        let key = Key::stored(&key)?;
        match key.row() {
            Some(_) => Ok(Self { key, value: value.map(Into::into), is_new: false }),
            None => Err(NameError::new("row", &key.to_string(), "is the key of a component, not of a system row")),
        }
    }
}
