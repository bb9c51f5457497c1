//! What a call read: the keys and the ranges, and the number that it read them at.
//!
//! Invariant: what is remembered covers all that was read. It may cover more, so its size is bounded whatever a guest
//! reads.

use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use super::overlay::Layer;
use crate::limits::{READ_KEYS_MAX, READ_RANGES_MAX};
use crate::names::{CommitSeq, Key};

#[derive(Debug)]
pub struct Reads {
    /// All of it is as it was at this number.
    number: AtomicU64,
    keys: Vec<Key>,
    ranges: Vec<Range>,
}

/// A run of keys.
#[derive(Debug)]
struct Range {
    lower: Bound<Box<str>>,
    upper: Bound<Box<str>>,
}

impl Range {
    fn as_strs(&self) -> (Bound<&str>, Bound<&str>) {
        (self.lower.as_ref().map(AsRef::as_ref), self.upper.as_ref().map(AsRef::as_ref))
    }
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
            if self.keys.len() > READ_KEYS_MAX / 2 {
                let edge = |key: Option<&Key>| key.map_or(Bound::Unbounded, |key| Bound::Included(key.as_str().into()));
                let range = Range { lower: edge(self.keys.first()), upper: edge(self.keys.last()) };
                self.keys.clear();
                self.push_range(range);
            }
        }
        self.keys.push(key);
    }

    pub(super) fn add_range(&mut self, lower: Bound<&str>, upper: Bound<&str>) {
        self.push_range(Range { lower: lower.map(Into::into), upper: upper.map(Into::into) });
    }

    fn push_range(&mut self, range: Range) {
        if self.ranges.len() >= READ_RANGES_MAX {
            // The whole store covers them all.
            self.ranges.clear();
            self.ranges.push(Range { lower: Bound::Unbounded, upper: Bound::Unbounded });
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
            || self
                .ranges
                .iter()
                .any(|range| layer.range::<_, str>(range.as_strs()).any(|(_, written)| written.number > since))
    }

    /// From now on it need be compared only with commits behind `number`: up to there it is unchanged.
    pub(super) fn is_good_at(&self, number: CommitSeq) {
        self.number.fetch_max(number.0, Ordering::Relaxed);
    }
}
