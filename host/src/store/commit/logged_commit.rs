//! One commit in the log of its store: the keys that it wrote, and the size of their entries afterwards.

use crate::names::{CommitSeq, Key, KeyRange};

/// The approximate log memory of a commit and of a write, without their keys.
const COMMIT_BYTES: usize = 96;
const WRITE_BYTES: usize = 48;

/// One commit in the log.
#[derive(Debug)]
pub(in crate::store) struct LoggedCommit {
    pub(in crate::store) number: CommitSeq,
    /// Sorted by key.
    writes: Box<[LoggedWrite]>,
}

#[derive(Debug)]
pub(in crate::store) struct LoggedWrite {
    pub(in crate::store) key: Key,
    /// Bytes that count for a budget after this write.
    pub(in crate::store) bytes: u64,
}

impl LoggedCommit {
    /// `writes` are sorted by key.
    pub(in crate::store) fn new(number: CommitSeq, writes: Box<[LoggedWrite]>) -> Self {
        Self { number, writes }
    }

    pub(in crate::store) fn writes(&self) -> &[LoggedWrite] {
        &self.writes
    }

    pub(in crate::store) fn write_of(&self, key: &Key) -> Option<&LoggedWrite> {
        let mut found = None;
        compared(|| {
            found = self.writes.binary_search_by(|write| write.key.cmp(key)).ok().and_then(|at| self.writes.get(at));
            found.is_some()
        });
        found
    }

    pub(in crate::store) fn writes_in(&self, range: &KeyRange) -> bool {
        compared(|| {
            let first = self.writes.partition_point(|write| write.key.as_bytes() < range.start());
            self.writes.get(first).is_some_and(|write| write.key.as_bytes() < range.end())
        })
    }

    /// Its approximate memory in the log.
    pub(super) fn bytes(&self) -> usize {
        COMMIT_BYTES + self.writes.iter().map(|write| write.key.as_bytes().len() + WRITE_BYTES).sum::<usize>()
    }
}

#[cfg(test)]
thread_local! {
    /// Searches of one list for one key or range, on this thread: the cost of validation.
    pub(in crate::store) static SEARCHES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts one search, in tests.
pub(in crate::store) fn compared(search: impl FnOnce() -> bool) -> bool {
    #[cfg(test)]
    SEARCHES.with(|searches| searches.set(searches.get() + 1));
    search()
}
