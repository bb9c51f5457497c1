//! What a call reads: an index as of some number, and over it the commits that it does not have yet.

use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use crate::names::{CommitSeq, Key};
use crate::store::index::error::IndexError;
use crate::store::index::reader::IndexReader;
use crate::store::system::{Table, TableId, Usage};

/// Commits, the latest of each key. A copy is a snapshot, and costs nothing.
pub(in crate::store) type Layer = OrdMap<Key, Arc<Written>>;

/// What a commit put under a key; nothing when it deleted the key.
#[derive(Debug)]
pub(in crate::store) struct Written {
    pub(in crate::store) number: CommitSeq,
    pub(in crate::store) value: Option<Bytes>,
}

/// About the memory that an entry takes in a layer beside the bytes of its key and value: its part of the tree's nodes,
/// and the allocations of the key, the value and what holds them.
const ENTRY_MEMORY_BYTES: usize = 224;

/// About the memory of a commit beside its entries.
pub(in crate::store) const COMMIT_MEMORY_BYTES: usize = 256;

const _: () =
    assert!(ENTRY_MEMORY_BYTES >= 2 * (size_of::<Key>() + size_of::<Arc<Written>>()) + 2 * size_of::<Written>());

/// What a store comes to, beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) struct Totals {
    /// Bytes of the component's keys and values: what counts for its quota.
    pub(in crate::store) bytes: u64,
    /// What the rows of each system table come to, in the order of [`TableId::ALL`].
    pub(in crate::store) tables: [Usage; TableId::ALL.len()],
    /// The version of the data, as the last commit that changed it said.
    pub(in crate::store) data_version: u64,
    /// The journal's time of the last commit.
    pub(in crate::store) time_unix_micros: u64,
}

impl Totals {
    /// The same with an entry of `before` bytes under `key` that has `after` now; one that is not there has none.
    pub(in crate::store) fn with(mut self, key: &Key, before: u64, after: u64) -> Self {
        let moved = |bytes: u64| bytes.saturating_add(after).saturating_sub(before);
        match key.row() {
            None => self.bytes = moved(self.bytes),
            Some((table, _)) => {
                let usages = self.tables.iter_mut().zip(TableId::ALL);
                for (usage, _) in usages.filter(|(_, id)| id.byte() == table) {
                    usage.bytes = moved(usage.bytes);
                    usage.rows = (usage.rows + u64::from(after > 0)).saturating_sub(u64::from(before > 0));
                }
            }
        }
        self
    }

    pub(in crate::store) fn usage<K>(&self, table: &Table<K>) -> Usage {
        let found = self.tables.iter().zip(TableId::ALL).find(|(_, id)| *id == table.id());
        found.map_or_else(Usage::default, |(usage, _)| *usage)
    }

    /// Bytes of the rows of all system tables.
    pub(in crate::store) fn system_bytes(&self) -> u64 {
        self.tables.iter().map(|usage| usage.bytes).sum()
    }
}

/// The state of one store as of one number. Never changed: a commit publishes the next one.
#[derive(Debug, Clone)]
pub(in crate::store) struct Snapshot {
    /// The number of the last commit of this store.
    pub(in crate::store) number: CommitSeq,
    pub(in crate::store) totals: Totals,
    /// Commits since the last checkpoint began.
    pub(in crate::store) memtable: Layer,
    /// The memory that they take, also of those that left nothing in the memtable.
    pub(in crate::store) memtable_bytes: usize,
    /// Commits that are being written into the index.
    pub(in crate::store) immutable: Layer,
    pub(in crate::store) immutable_bytes: usize,
    pub(in crate::store) index: Arc<IndexReader>,
}

/// Commits on their way into the index.
#[derive(Debug)]
pub(in crate::store) struct Frozen {
    pub(in crate::store) layer: Layer,
    /// The number of the last commit in it.
    pub(in crate::store) through: CommitSeq,
    /// The memory that it takes.
    pub(in crate::store) bytes: usize,
    /// Of the store with it.
    pub(in crate::store) totals: Totals,
}

impl Snapshot {
    /// The state that an index has, with nothing over it.
    pub(in crate::store) fn new(number: CommitSeq, totals: Totals, index: Arc<IndexReader>) -> Self {
        let (memtable, immutable) = (Layer::new(), Layer::new());
        Self { number, totals, memtable, memtable_bytes: 0, immutable, immutable_bytes: 0, index }
    }

    /// The memory of what the index does not have yet.
    pub(in crate::store) fn memory_bytes(&self) -> usize {
        self.memtable_bytes + self.immutable_bytes
    }

    /// The same state with the memtable set aside to be written. There is no other one.
    pub(in crate::store) fn freeze(&self) -> (Frozen, Self) {
        let Self { number: through, totals, memtable_bytes: bytes, .. } = *self;
        let layer = self.memtable.clone();
        let frozen = Frozen { layer: layer.clone(), through, bytes, totals };
        (
            frozen,
            Self {
                memtable: Layer::new(),
                memtable_bytes: 0,
                immutable: layer,
                immutable_bytes: bytes,
                ..self.clone()
            },
        )
    }

    /// The same state when `index` has what was set aside.
    pub(in crate::store) fn applied(&self, index: IndexReader) -> Self {
        Self {
            immutable: Layer::new(),
            immutable_bytes: 0,
            memtable: self.memtable.clone(),
            index: Arc::new(index),
            ..*self
        }
    }

    /// The latest commit that wrote `key`, if the index may not have it yet.
    pub(in crate::store) fn written(&self, key: &Key) -> Option<&Arc<Written>> {
        // Most of the time there is nothing: then there is nothing to look up.
        let memtable = if self.memtable.is_empty() { None } else { self.memtable.get(key) };
        memtable.or_else(|| if self.immutable.is_empty() { None } else { self.immutable.get(key) })
    }

    /// Bytes that `key` and its value take, in this state.
    pub(in crate::store) fn entry_bytes(&self, key: &Key) -> Result<u64, IndexError> {
        let value_bytes = match self.written(key) {
            Some(written) => written.value.as_ref().map(Bytes::len),
            None => self.index.value_bytes(key)?,
        };
        Ok(entry_bytes(key, value_bytes))
    }
}

/// Bytes that an entry takes: those of the key and its value, none when there is no value.
pub(in crate::store) fn entry_bytes(key: &Key, value_bytes: Option<usize>) -> u64 {
    value_bytes.map_or(0, |bytes| (key.counted_bytes() + bytes) as u64)
}

/// The memory that an entry takes in a layer.
pub(in crate::store) fn entry_memory_bytes(key: &Key, value_bytes: usize) -> usize {
    ENTRY_MEMORY_BYTES + key.as_bytes().len() + value_bytes
}
