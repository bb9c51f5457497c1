//! What a call reads: an index as of some number, and over it the commits that it does not have yet.

use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use super::index::{IndexError, IndexView};
use crate::names::{Key, Number};

/// Commits, the latest of each key. A copy is a snapshot, and costs nothing.
pub(super) type Layer = OrdMap<Key, Arc<Written>>;

/// What a commit put under a key; nothing when it deleted the key.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) number: Number,
    pub(super) value: Option<Bytes>,
}

/// The state of one service as of one number. Never changed: a commit publishes the next one.
#[derive(Debug)]
pub(super) struct View {
    /// The number of the last commit of this service.
    pub(super) number: Number,
    /// All commits of this service behind this number are in `young` or `old`.
    pub(super) floor: Number,
    /// Bytes of the keys and values.
    pub(super) bytes: u64,
    /// Commits since `old` was frozen.
    pub(super) young: Layer,
    /// Commits that are being applied to the index.
    pub(super) old: Layer,
    pub(super) index: Arc<IndexView>,
}

impl View {
    /// The latest commit that wrote `key`, if the index may not have it yet.
    pub(super) fn written(&self, key: &str) -> Option<&Arc<Written>> {
        // Most of the time there is nothing: then there is nothing to look up.
        let young = if self.young.is_empty() { None } else { self.young.get(key) };
        young.or_else(|| if self.old.is_empty() { None } else { self.old.get(key) })
    }

    /// Bytes that `key` and its value take, in this state.
    pub(super) fn entry_bytes(&self, key: &str) -> Result<u64, IndexError> {
        let value_bytes = match self.written(key) {
            Some(written) => written.value.as_ref().map(Bytes::len),
            None => self.index.value_bytes(key)?,
        };
        Ok(entry_bytes(key, value_bytes))
    }
}

/// Bytes that count for the quota: those of the key and its value, none when there is no value.
pub(super) fn entry_bytes(key: &str, value_bytes: Option<usize>) -> u64 {
    value_bytes.map_or(0, |bytes| (key.len() + bytes) as u64)
}
