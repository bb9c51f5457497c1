//! The pages of a mirror: which part of the live data each copied run of entities was read from.
//!
//! Invariant: after the first pass the pages follow each other without a gap, from the first entity to the end. A page
//! whose reads no commit has touched since is a true copy.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::{MIRROR_HOT_PAGE_ENTITIES, MIRROR_PAGE_ENTITIES, MIRROR_PAGES_MAX, MIRROR_READS_BYTES_MAX};
use crate::names::{CommitSeq, Generation};
use crate::store::{ReadSet, Store};

/// A run of entities: those after its key in the map, up to `until`.
#[derive(Debug)]
struct Page {
    /// `None` for the last page.
    until: Option<String>,
    reads: ReadSet,
}

/// The pages, and which of them must be read again.
#[derive(Debug)]
pub(super) struct Pages {
    /// By the key that they begin after; the first page begins after the empty key.
    pages: BTreeMap<String, Page>,
    dirty: BTreeSet<String>,
    /// Commits up to this number are taken into account.
    checked: CommitSeq,
    /// Commits that touched the data since no page was dirty.
    pub(super) commits_behind: usize,
}

impl Pages {
    /// No page yet. Commits after `checked` will be taken into account.
    pub(super) fn new(checked: CommitSeq) -> Self {
        Self { pages: BTreeMap::new(), dirty: BTreeSet::new(), checked, commits_behind: 0 }
    }

    pub(super) fn insert(&mut self, after: String, until: Option<String>, reads: ReadSet) {
        self.pages.insert(after, Page { until, reads: reads.within(MIRROR_READS_BYTES_MAX) });
    }

    /// A page that must be read again: the key that it begins after, and its last key.
    pub(super) fn next_dirty(&mut self) -> Option<(String, Option<String>)> {
        while let Some(after) = self.dirty.first().cloned() {
            match self.pages.get(&after) {
                Some(page) => return Some((after, page.until.clone())),
                None => drop(self.dirty.remove(&after)),
            }
        }
        None
    }

    /// The page that begins after `after` was read again, up to `end`. What lies behind it, up to `until`, must still be
    /// read.
    pub(super) fn mark_read(&mut self, after: &str, end: Option<String>, until: Option<String>) {
        self.dirty.remove(after);
        if let Some(end) = end.filter(|end| until.as_ref() != Some(end)) {
            self.pages.insert(end.clone(), Page { until, reads: ReadSet::nothing() });
            self.dirty.insert(end);
        }
    }

    /// How many entities to read at once of a page that has changed.
    pub(super) fn hot_limit(&self) -> u32 {
        if self.pages.len() < MIRROR_PAGES_MAX { MIRROR_HOT_PAGE_ENTITIES } else { MIRROR_PAGE_ENTITIES }
    }

    /// Marks the pages that commits have touched since the last check.
    pub(super) fn mark_dirty(&mut self, store: &Store, generation: Generation) {
        let last = store.last_commit();
        if last == self.checked {
            return;
        }
        let Some(writes) = store.writes_after(self.checked, generation) else {
            // The commit log does not reach back far enough, so every page counts as changed.
            self.checked = last;
            self.commits_behind += 1;
            self.dirty.extend(self.pages.keys().cloned());
            return;
        };
        self.checked = writes.number();
        if writes.commits() == 0 {
            return;
        }
        let touched: Vec<_> = self.pages.iter().filter(|(_, page)| writes.touch(&page.reads)).collect();
        if !touched.is_empty() {
            self.commits_behind += writes.commits();
            self.dirty.extend(touched.into_iter().map(|(after, _)| after.clone()));
        }
    }

    /// How many pages must be read again.
    pub(super) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    pub(super) fn count(&self) -> usize {
        self.pages.len()
    }
}
