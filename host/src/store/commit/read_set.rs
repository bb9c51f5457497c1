//! The reads of a call: keys and ranges, and the number up to which all of them are known to be unchanged.
//!
//! A read set answers one question: did a commit change any of this? It compares itself with the commits since then,
//! not with the content of a store.
//!
//! Invariant: the set covers everything that was read. It may cover more, so that its size is bounded whatever a guest
//! reads. The additional keys lie between neighbours of keys that were read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::logged_commit::{LoggedCommit, compared};
use crate::limits::READ_SET_BYTES_MAX;
use crate::names::{CommitSeq, Key, KeyRange};

/// The approximate size of a key or a range without its bytes.
const ENTRY_BYTES: usize = 48;

#[derive(Debug)]
pub struct ReadSet {
    /// All of it is unchanged up to this number.
    number: AtomicU64,
    /// After `finish`: sorted, without the keys that a range covers.
    keys: Vec<Key>,
    /// After `finish`: sorted, and not overlapping.
    ranges: Vec<KeyRange>,
    bytes: usize,
}

impl ReadSet {
    pub(in crate::store) fn new(number: CommitSeq) -> Self {
        Self { number: AtomicU64::new(number.0), keys: Vec::new(), ranges: Vec::new(), bytes: 0 }
    }

    /// The reads of nothing at all.
    #[must_use]
    pub fn nothing() -> Self {
        Self::new(CommitSeq::default())
    }

    pub(in crate::store) fn number(&self) -> CommitSeq {
        CommitSeq(self.number.load(Ordering::Relaxed))
    }

    pub(in crate::store) fn add_key(&mut self, key: Key) {
        // A call that reads one key repeatedly records it once.
        if self.keys.last() == Some(&key) {
            return;
        }
        self.bytes += key.as_bytes().len() + ENTRY_BYTES;
        self.keys.push(key);
        self.bound();
    }

    pub(in crate::store) fn add_range(&mut self, range: KeyRange) {
        if range.is_empty() || self.ranges.last() == Some(&range) {
            return;
        }
        self.bytes += range_bytes(&range);
        self.ranges.push(range);
        self.bound();
    }

    fn bound(&mut self) {
        if self.bytes > READ_SET_BYTES_MAX {
            self.compact(READ_SET_BYTES_MAX / 2);
        }
    }

    /// The same set, or a larger one that takes at most about `bytes_max`.
    #[must_use]
    pub fn within(mut self, bytes_max: usize) -> Self {
        if self.bytes > bytes_max {
            self.compact(bytes_max);
        }
        self.finish()
    }

    /// The reads of both sets, or more, in at most about `bytes_max`. The older number counts.
    #[must_use]
    pub fn joined_with(mut self, other: &Self, bytes_max: usize) -> Self {
        *self.number.get_mut() = self.number().min(other.number()).0;
        self.keys.extend(other.keys.iter().cloned());
        self.ranges.extend(other.ranges.iter().cloned());
        self.bytes += other.bytes;
        self.within(bytes_max)
    }

    /// Sorts keys and ranges, for comparisons.
    pub(in crate::store) fn finish(mut self) -> Self {
        self.normalize();
        self
    }

    fn normalize(&mut self) {
        self.ranges.sort_unstable();
        let mut ranges: Vec<KeyRange> = Vec::with_capacity(self.ranges.len());
        for range in self.ranges.drain(..) {
            match ranges.last_mut() {
                Some(before) if before.end() >= range.start() => *before = before.joined_with(&range),
                _ => ranges.push(range),
            }
        }
        self.keys.sort_unstable();
        self.keys.dedup();
        self.keys.retain(|key| !covers(&ranges, key));
        self.ranges = ranges;
        let keys: usize = self.keys.iter().map(|key| key.as_bytes().len() + ENTRY_BYTES).sum();
        self.bytes = keys + self.ranges.iter().map(range_bytes).sum::<usize>();
    }

    /// Shrinks the set to at most `bytes_max`, or to one range. It joins neighbours, first those whose keys have the longest
    /// common prefix, because the keys between them are of the same kind.
    fn compact(&mut self, bytes_max: usize) {
        self.normalize();
        if self.bytes > bytes_max {
            self.ranges.extend(self.keys.drain(..).map(|key| KeyRange::between(&key, &key)));
            self.ranges.sort_unstable();
        }
        while self.bytes > bytes_max && self.ranges.len() > 1 {
            let neighbours = self.ranges.iter().zip(self.ranges.iter().skip(1)).enumerate();
            let mut gaps: Vec<(usize, usize)> =
                neighbours.map(|(at, (one, next))| (common_beginning(one.end(), next.start()), at)).collect();
            gaps.sort_unstable_by(|one, other| other.cmp(one));
            gaps.truncate(self.ranges.len().div_ceil(2));
            let mut closed = vec![false; self.ranges.len()];
            for (_, at) in gaps {
                closed.iter_mut().skip(at + 1).take(1).for_each(|closed| *closed = true);
            }
            let mut joined: Vec<KeyRange> = Vec::with_capacity(self.ranges.len() / 2 + 1);
            for (range, closed) in self.ranges.drain(..).zip(closed) {
                match joined.last_mut().filter(|_| closed) {
                    Some(before) => *before = before.joined_with(&range),
                    None => joined.push(range),
                }
            }
            self.ranges = joined;
            self.bytes = self.ranges.iter().map(range_bytes).sum();
        }
    }

    /// Whether `commit` wrote a key of the set.
    pub(in crate::store) fn is_changed_by(&self, commit: &LoggedCommit) -> bool {
        self.changed_by(commit).is_some()
    }

    /// A key of the set that `commit` wrote, or else the start of a range in which it wrote. The cost depends on the
    /// smaller of the two.
    pub(in crate::store) fn changed_by<'a>(&'a self, commit: &'a LoggedCommit) -> Option<&'a [u8]> {
        let writes = commit.writes();
        let key = match self.keys.len() <= writes.len() {
            true => self.keys.iter().find(|key| commit.write_of(key).is_some()),
            false => {
                let mut keys = writes.iter().map(|write| &write.key);
                keys.find(|key| compared(|| self.keys.binary_search(key).is_ok()))
            }
        };
        let range = || match self.ranges.len() <= writes.len() {
            true => self.ranges.iter().find(|range| commit.writes_in(range)),
            false => {
                let write = writes.iter().find(|write| compared(|| covers(&self.ranges, &write.key)))?;
                covering(&self.ranges, &write.key)
            }
        };
        key.map(Key::as_bytes).or_else(|| range().map(KeyRange::start))
    }

    /// The approximate memory of the set.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the set has `key`.
    pub(in crate::store) fn contains(&self, key: &Key) -> bool {
        self.keys.binary_search(key).is_ok() || covers(&self.ranges, key)
    }

    /// Records that the set is unchanged up to `number`: later comparisons need only the commits after it.
    pub(in crate::store) fn is_good_at(&self, number: CommitSeq) {
        self.number.fetch_max(number.0, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(in crate::store) fn parts(&self) -> usize {
        self.keys.len() + self.ranges.len()
    }
}

fn range_bytes(range: &KeyRange) -> usize {
    range.start().len() + range.end().len() + ENTRY_BYTES
}

/// Whether one of `ranges`, which are sorted and do not overlap, contains `key`.
fn covers(ranges: &[KeyRange], key: &Key) -> bool {
    covering(ranges, key).is_some()
}

/// The one of `ranges`, which are sorted and do not overlap, that contains `key`.
fn covering<'a>(ranges: &'a [KeyRange], key: &Key) -> Option<&'a KeyRange> {
    let behind = ranges.partition_point(|range| range.start() <= key.as_bytes());
    behind.checked_sub(1).and_then(|at| ranges.get(at)).filter(|range| range.contains(key.as_bytes()))
}

fn common_beginning(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}
