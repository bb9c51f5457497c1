//! The state that a call reads: an index at some number, and over it the commits that the index does not contain yet.

use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use crate::names::{CommitSeq, Generation, Key};
use crate::store::index::error::IndexError;
use crate::store::index::reader::IndexReader;
use crate::store::system::{Table, TableId, Usage};

/// The latest write of each key in some commits. A copy is a snapshot, and costs nothing.
pub(in crate::store) type Layer = OrdMap<Key, Arc<Written>>;

/// The value that a commit wrote under a key; `None` when it deleted the key.
#[derive(Debug)]
pub(in crate::store) struct Written {
    pub(in crate::store) number: CommitSeq,
    pub(in crate::store) value: Option<Bytes>,
}

/// The approximate memory of an entry in a layer without the bytes of its key and value: its part of the tree's nodes,
/// and the allocations of the key, the value and their containers.
const ENTRY_MEMORY_BYTES: usize = 224;

/// The approximate memory of a commit without its entries.
pub(in crate::store) const COMMIT_MEMORY_BYTES: usize = 256;

const _: () =
    assert!(ENTRY_MEMORY_BYTES >= 2 * (size_of::<Key>() + size_of::<Arc<Written>>()) + 2 * size_of::<Written>());

/// The totals of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store) struct Totals {
    /// Bytes of the component's keys and values, which count for its quota.
    pub(in crate::store) first_bytes: u64,
    /// The same of the second generation of its data.
    pub(in crate::store) second_bytes: u64,
    /// The usage of each system table, in the order of [`TableId::ALL`].
    pub(in crate::store) tables: [Usage; TableId::ALL.len()],
    /// The version of the data, set by the last commit that changed it.
    pub(in crate::store) data_version: u64,
    /// The journal's time of the last commit.
    pub(in crate::store) time_unix_micros: u64,
}

impl Totals {
    /// The totals after the entry under `key` changed from `before` to `after` bytes. A missing entry has 0 bytes.
    pub(in crate::store) fn with(mut self, key: &Key, before: u64, after: u64) -> Self {
        let moved = |bytes: u64| bytes.saturating_add(after).saturating_sub(before);
        match key.row() {
            None => match key.generation() {
                Some(Generation::Second) => self.second_bytes = moved(self.second_bytes),
                _ => self.first_bytes = moved(self.first_bytes),
            },
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

    /// Bytes of the component's keys and values in a generation.
    pub(in crate::store) fn of_generation(&self, generation: Generation) -> u64 {
        match generation {
            Generation::First => self.first_bytes,
            Generation::Second => self.second_bytes,
        }
    }

    /// Bytes of the component's keys and values in both generations.
    pub(in crate::store) fn component_bytes(&self) -> u64 {
        self.first_bytes.saturating_add(self.second_bytes)
    }

    /// Bytes of the rows of all system tables.
    pub(in crate::store) fn system_bytes(&self) -> u64 {
        self.tables.iter().map(|usage| usage.bytes).sum()
    }
}

/// The state of one store at one number. It is immutable: a commit publishes a new one.
#[derive(Debug, Clone)]
pub(in crate::store) struct Snapshot {
    /// The number of the last commit of this store.
    pub(in crate::store) number: CommitSeq,
    pub(in crate::store) totals: Totals,
    /// Commits since the last checkpoint began.
    pub(in crate::store) memtable: Layer,
    /// The memory of these commits, also of those without an entry in the memtable.
    pub(in crate::store) memtable_bytes: usize,
    /// Commits that are being written into the index.
    pub(in crate::store) immutable: Layer,
    pub(in crate::store) immutable_bytes: usize,
    pub(in crate::store) index: Arc<IndexReader>,
    /// Whether both generations of the data are known to hold the same entities. A mirror finds that out, and the next
    /// write of an entry ends it. It is not stored: after a start it is false.
    pub(in crate::store) is_copied: bool,
}

/// Commits on their way into the index.
#[derive(Debug)]
pub(in crate::store) struct Frozen {
    pub(in crate::store) layer: Layer,
    /// The number of the last commit in the layer.
    pub(in crate::store) through: CommitSeq,
    /// The memory of the layer.
    pub(in crate::store) bytes: usize,
    /// The totals of the store with the layer.
    pub(in crate::store) totals: Totals,
}

impl Snapshot {
    /// The state of an index, without commits over it.
    pub(in crate::store) fn new(number: CommitSeq, totals: Totals, index: Arc<IndexReader>) -> Self {
        let (memtable, immutable) = (Layer::new(), Layer::new());
        let is_copied = false;
        Self { number, totals, memtable, memtable_bytes: 0, immutable, immutable_bytes: 0, index, is_copied }
    }

    /// The memory of the commits that the index does not contain yet.
    pub(in crate::store) fn memory_bytes(&self) -> usize {
        self.memtable_bytes + self.immutable_bytes
    }

    /// The same state with the memtable set aside to be written. There must be no other immutable layer.
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

    /// The same state once `index` contains the immutable layer.
    pub(in crate::store) fn applied(&self, index: IndexReader) -> Self {
        Self {
            immutable: Layer::new(),
            immutable_bytes: 0,
            memtable: self.memtable.clone(),
            index: Arc::new(index),
            ..*self
        }
    }

    /// The latest commit that wrote `key`, if the index may not contain it yet.
    pub(in crate::store) fn written(&self, key: &Key) -> Option<&Arc<Written>> {
        // Usually the memtable is empty: then skip the lookup.
        let memtable = if self.memtable.is_empty() { None } else { self.memtable.get(key) };
        memtable.or_else(|| if self.immutable.is_empty() { None } else { self.immutable.get(key) })
    }

    /// Bytes of `key` and its value in this state.
    pub(in crate::store) fn entry_bytes(&self, key: &Key) -> Result<u64, IndexError> {
        let value_bytes = match self.written(key) {
            Some(written) => written.value.as_ref().map(Bytes::len),
            None => self.index.value_bytes(key)?,
        };
        Ok(entry_bytes(key, value_bytes))
    }
}

/// Bytes of an entry: those of its key and value, or 0 without a value.
pub(in crate::store) fn entry_bytes(key: &Key, value_bytes: Option<usize>) -> u64 {
    value_bytes.map_or(0, |bytes| (key.counted_bytes() + bytes) as u64)
}

/// The memory of an entry in a layer.
pub(in crate::store) fn entry_memory_bytes(key: &Key, value_bytes: usize) -> usize {
    ENTRY_MEMORY_BYTES + key.as_bytes().len() + value_bytes
}
