//! What a call read: the keys and the ranges, and the number that it read them at.
//!
//! Invariant: what is remembered covers all that was read. It may cover more, so its size is bounded whatever a guest
//! reads.

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use super::overlay::Layer;
use crate::limits::{READ_KEYS_MAX, READ_RANGES_MAX};
use crate::names::{CommitSeq, Key, KeyRange};

#[derive(Debug)]
pub struct Reads {
    /// All of it is as it was at this number.
    number: AtomicU64,
    keys: Vec<Key>,
    ranges: Vec<KeyRange>,
}

impl Reads {
    pub(super) fn new(number: CommitSeq) -> Self {
        Self { number: AtomicU64::new(number.0), keys: Vec::new(), ranges: Vec::new() }
    }

    pub(super) fn number(&self) -> CommitSeq {
        CommitSeq(self.number.load(Ordering::Relaxed))
    }

    pub(super) fn add_key(&mut self, key: Key) {
        // A call that reads one key over and over remembers it once.
        if self.keys.last() == Some(&key) {
            return;
        }
        if self.keys.len() >= READ_KEYS_MAX {
            self.keys.sort_unstable();
            self.keys.dedup();
            if self.keys.len() > READ_KEYS_MAX / 2
                && let Some((first, last)) = self.keys.first().zip(self.keys.last())
            {
                let range = KeyRange::between(first, last);
                self.keys.clear();
                self.add_range(range);
            }
        }
        self.keys.push(key);
    }

    pub(super) fn add_range(&mut self, range: KeyRange) {
        if self.ranges.len() >= READ_RANGES_MAX {
            let all = self.ranges.drain(..).fold(range, |all, range| all.joined_with(&range));
            self.ranges.push(all);
        } else {
            self.ranges.push(range);
        }
    }

    /// Whether a commit in `layer` changed something of it since it was read.
    pub(super) fn changed_in(&self, layer: &Layer) -> bool {
        if layer.is_empty() {
            return false;
        }
        let since = self.number();
        self.keys.iter().any(|key| layer.get(key).is_some_and(|written| written.number > since))
            || self.ranges.iter().filter(|range| !range.is_empty()).any(|range| {
                let bounds = (Bound::Included(range.start()), Bound::Excluded(range.end()));
                layer.range::<_, [u8]>(bounds).any(|(_, written)| written.number > since)
            })
    }

    /// From now on it need be compared only with commits behind `number`: up to there it is unchanged.
    pub(super) fn is_good_at(&self, number: CommitSeq) {
        self.number.fetch_max(number.0, Ordering::Relaxed);
    }
}
