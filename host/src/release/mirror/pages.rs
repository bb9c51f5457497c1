//! The pages of a mirror: which part of the live data each copied run of entities was read from.
//!
//! Invariant: after the first pass the pages follow each other without a gap, from the first entity to the end. A page
//! whose reads no commit has touched since is a true copy.

use std::collections::BTreeSet;

use super::page_group::{Page, PageGroup};
#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::limits::{MIRROR_HOT_PAGE_ENTITIES, MIRROR_PAGE_ENTITIES, MIRROR_PAGES_MAX, MIRROR_READS_BYTES_MAX};
use crate::names::{CommitSeq, Generation};
use crate::store::{ReadSet, Store};

/// The pages, and which of them must be read again.
#[derive(Debug)]
pub(super) struct Pages {
    all: PageGroup,
    count: usize,
    dirty: BTreeSet<String>,
    /// Commits up to this number are taken into account.
    checked: CommitSeq,
    /// Commits that touched the data since no page was dirty.
    pub(super) commits_behind: usize,
}

impl Pages {
    /// No page yet. Commits after `checked` will be taken into account.
    pub(super) fn new(checked: CommitSeq) -> Self {
        Self { all: PageGroup::empty(), count: 0, dirty: BTreeSet::new(), checked, commits_behind: 0 }
    }

    pub(super) fn insert(&mut self, after: String, until: Option<String>, reads: ReadSet) {
        let page = Page { until, reads: reads.within(MIRROR_READS_BYTES_MAX) };
        if self.all.insert(after, page).is_none() {
            self.count += 1;
        }
    }

    /// Pages that must be read again, at most `count`: the key that each begins after, and its last key.
    pub(super) fn next_dirty(&self, count: usize) -> Vec<(String, Option<String>)> {
        let first: Vec<_> = self.dirty.iter().take(count).cloned().collect();
        let page = |after: String| Some((self.all.get(&after)?.until.clone(), after));
        first.into_iter().filter_map(page).map(|(until, after)| (after, until)).collect()
    }

    /// The page that begins after `after` was read again, up to `end`. What lies behind it, up to `until`, must still be
    /// read.
    pub(super) fn mark_read(&mut self, after: &str, end: Option<String>, until: Option<String>) {
        self.dirty.remove(after);
        if let Some(end) = end.filter(|end| until.as_ref() != Some(end)) {
            self.insert(end.clone(), until, ReadSet::nothing());
            self.dirty.insert(end);
        }
    }

    /// How many entities a page has. The smaller a page, the less is read again when one of its entities changes.
    pub(super) fn hot_limit(&self) -> u32 {
        if self.count < MIRROR_PAGES_MAX { MIRROR_HOT_PAGE_ENTITIES } else { MIRROR_PAGE_ENTITIES }
    }

    /// Marks the pages that commits have touched since the last check.
    pub(super) fn mark_dirty(&mut self, store: &Store, generation: Generation) {
        let last = store.last_commit();
        if last == self.checked {
            return;
        }
        #[cfg(feature = "fail-points")]
        if fail_point::broken() == Some(fail_point::Sabotage::MirrorForgets) {
            self.checked = last;
            return;
        }
        let Some(writes) = store.writes_after(self.checked, generation) else {
            // The commit log does not reach back far enough, so every page counts as changed.
            self.checked = last;
            self.commits_behind += 1;
            self.all.all(&mut self.dirty);
            return;
        };
        self.checked = writes.number();
        if writes.commits() == 0 {
            return;
        }
        let mut touched = BTreeSet::new();
        self.all.touched(&writes, &mut touched);
        if !touched.is_empty() {
            self.commits_behind += writes.commits();
            self.dirty.extend(touched);
        }
    }

    /// Commits up to this number are taken into account.
    pub(super) fn checked(&self) -> CommitSeq {
        self.checked
    }

    /// How many pages must be read again.
    pub(super) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }
}
