//! What a call reads: an index as of some number, and over it the commits that it does not have yet.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use imbl::OrdMap;

use super::index::{IndexError, IndexView};
use super::reads::Reads;
use super::system::{Table, TableId, Usage};
use crate::names::{CommitSeq, Key};

/// Commits, the latest of each key. A copy is a snapshot, and costs nothing.
pub(super) type Layer = OrdMap<Key, Arc<Written>>;

/// What a commit put under a key; nothing when it deleted the key.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) number: CommitSeq,
    pub(super) value: Option<Bytes>,
}

/// What a store comes to, beside its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// Bytes of the component's keys and values: what counts for its quota.
    pub(super) bytes: u64,
    /// What the rows of each system table come to, in the order of [`TableId::ALL`].
    pub(super) tables: [Usage; TableId::ALL.len()],
    /// The version of the data, as the last commit that changed it said.
    pub(super) data_version: u64,
}

impl Totals {
    /// The same with an entry of `before` bytes under `key` that has `after` now; one that is not there has none.
    pub(super) fn with(mut self, key: &Key, before: u64, after: u64) -> Self {
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

    pub(super) fn usage<K>(&self, table: &Table<K>) -> Usage {
        let found = self.tables.iter().zip(TableId::ALL).find(|(_, id)| *id == table.id());
        found.map_or_else(Usage::default, |(usage, _)| *usage)
    }

    /// Bytes of the rows of all system tables.
    pub(super) fn system_bytes(&self) -> u64 {
        self.tables.iter().map(|usage| usage.bytes).sum()
    }
}

/// The state of one service as of one number. Never changed: a commit publishes the next one.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The number of the last commit of this service.
    pub(super) number: CommitSeq,
    pub(super) totals: Totals,
    /// Commits since `old` was frozen.
    pub(super) young: Layer,
    /// What the commits since then took in the journal, also those that left nothing in `young`.
    pub(super) young_bytes: usize,
    /// Commits that are being applied to the index.
    pub(super) old: Layer,
    pub(super) old_bytes: usize,
    pub(super) index: Arc<IndexView>,
    /// Layers that are in the index, kept to validate what began before they were: oldest first.
    pub(super) sealed: Arc<Vec<Sealed>>,
    /// All commits behind this number are in a layer.
    pub(super) horizon: CommitSeq,
}

/// Commits on their way into the index.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) layer: Layer,
    /// The number of the last commit in it.
    pub(super) through: CommitSeq,
    /// Of the store with it.
    pub(super) totals: Totals,
}

/// A layer that is in the index.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    layer: Layer,
    /// The last number in it.
    through: CommitSeq,
    /// What it took in the journal.
    bytes: usize,
    /// While somebody reads through this, calls that began before the layer was in the index may be under way.
    readers: Weak<IndexView>,
}

impl View {
    /// The state that an index has, with nothing over it.
    pub(super) fn new(number: CommitSeq, totals: Totals, index: Arc<IndexView>) -> Self {
        Self {
            number,
            totals,
            young: Layer::new(),
            young_bytes: 0,
            old: Layer::new(),
            old_bytes: 0,
            index,
            sealed: Arc::default(),
            horizon: number,
        }
    }

    /// All commits behind this number are in `young` or `old`.
    pub(super) fn floor(&self) -> CommitSeq {
        self.sealed.last().map_or(self.horizon, |sealed| sealed.through)
    }

    /// Whether all that was read is as it was; false also for what is older than what is remembered.
    pub(super) fn is_unchanged(&self, reads: &Reads) -> bool {
        let since = reads.number();
        since >= self.number
            || (since >= self.horizon
                && !reads.changed_in(&self.young)
                && !reads.changed_in(&self.old)
                && !self.sealed.iter().any(|sealed| sealed.through > since && reads.changed_in(&sealed.layer)))
    }

    /// The same state with what is young set aside to be applied.
    pub(super) fn freeze(&self) -> (Frozen, Self) {
        let layer = self.young.clone();
        let view = Self { young: Layer::new(), young_bytes: 0, old_bytes: self.young_bytes, ..self.clone() };
        let Self { number: through, totals, .. } = *self;
        (Frozen { layer: layer.clone(), through, totals }, Self { old: layer, ..view })
    }

    /// The same state when `index` has the old layer, whose last commit is `through`. What is kept of such layers takes
    /// about `bytes_max`.
    pub(super) fn applied(&self, index: IndexView, through: CommitSeq, bytes_max: usize) -> Self {
        let readers = Arc::downgrade(&self.index);
        let mut sealed = self.sealed.as_ref().clone();
        let mut horizon = self.horizon;
        sealed.push(Sealed { layer: self.old.clone(), through, bytes: self.old_bytes, readers });
        let mut kept_bytes: usize = sealed.iter().map(|sealed| sealed.bytes).sum();
        // The newest stays: it answers for what was read shortly before.
        while sealed.len() > 1 && (kept_bytes > bytes_max || sealed.first().is_some_and(Sealed::is_needless)) {
            let oldest = sealed.remove(0);
            kept_bytes -= oldest.bytes;
            horizon = oldest.through;
        }
        let (index, sealed) = (Arc::new(index), Arc::new(sealed));
        Self { old: Layer::new(), old_bytes: 0, young: self.young.clone(), index, sealed, horizon, ..*self }
    }

    /// The latest commit that wrote `key`, if the index may not have it yet.
    pub(super) fn written(&self, key: &Key) -> Option<&Arc<Written>> {
        // Most of the time there is nothing: then there is nothing to look up.
        let young = if self.young.is_empty() { None } else { self.young.get(key) };
        young.or_else(|| if self.old.is_empty() { None } else { self.old.get(key) })
    }

    /// Bytes that `key` and its value take, in this state.
    pub(super) fn entry_bytes(&self, key: &Key) -> Result<u64, IndexError> {
        let value_bytes = match self.written(key) {
            Some(written) => written.value.as_ref().map(Bytes::len),
            None => self.index.value_bytes(key)?,
        };
        Ok(entry_bytes(key, value_bytes))
    }
}

impl Sealed {
    fn is_needless(&self) -> bool {
        self.readers.strong_count() == 0
    }
}

/// Bytes that an entry takes: those of the key and its value, none when there is no value.
pub(super) fn entry_bytes(key: &Key, value_bytes: Option<usize>) -> u64 {
    value_bytes.map_or(0, |bytes| (key.counted_bytes() + bytes) as u64)
}
