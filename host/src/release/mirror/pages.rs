//! The pages of a mirror: which part of the live data each copied run of entities was read from.
//!
//! Pages that follow each other are in one group, which knows what all of them read. So most groups need one comparison
//! with the commits since the last check, whatever the number of pages.
//!
//! Invariant: after the first pass the pages follow each other without a gap, from the first entity to the end. A page
//! whose reads no commit has touched since is a true copy.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::limits::{
    MIRROR_GROUP_PAGES_MAX, MIRROR_GROUP_READS_BYTES_MAX, MIRROR_HOT_PAGE_ENTITIES, MIRROR_PAGE_ENTITIES,
    MIRROR_PAGES_MAX, MIRROR_READS_BYTES_MAX,
};
use crate::names::{CommitSeq, Generation};
use crate::store::{ReadSet, RecentWrites, Store};

/// A run of entities: those after its key in the map, up to `until`.
#[derive(Debug)]
struct Page {
    /// `None` for the last page.
    until: Option<String>,
    reads: ReadSet,
}

/// Pages that follow each other, by the key that each begins after.
#[derive(Debug)]
struct Group {
    pages: BTreeMap<String, Page>,
    /// What any of them read, or more.
    reads: ReadSet,
}

/// The pages, and which of them must be read again.
#[derive(Debug)]
pub(super) struct Pages {
    /// By the key that their first page began after when they were made. The first group has the empty key.
    groups: BTreeMap<String, Group>,
    count: usize,
    dirty: BTreeSet<String>,
    /// Commits up to this number are taken into account.
    checked: CommitSeq,
    /// Commits that touched the data since no page was dirty.
    pub(super) commits_behind: usize,
}

impl Group {
    fn of(pages: BTreeMap<String, Page>) -> Self {
        let reads = pages.values().fold(ReadSet::nothing(), |reads, page| joined(reads, &page.reads));
        Self { pages, reads }
    }

    /// The pages that read something of `writes`, by the key that they begin after.
    fn touched(&self, writes: &RecentWrites) -> Vec<String> {
        let Some(writes) = writes.within(&self.reads) else { return Vec::new() };
        let pages = self.pages.iter().filter(|(_, page)| writes.touch(&page.reads));
        pages.map(|(after, _)| after.clone()).collect()
    }
}

fn joined(all: ReadSet, reads: &ReadSet) -> ReadSet {
    all.joined_with(reads, MIRROR_GROUP_READS_BYTES_MAX)
}

impl Pages {
    /// No page yet. Commits after `checked` will be taken into account.
    pub(super) fn new(checked: CommitSeq) -> Self {
        let groups = BTreeMap::from([(String::new(), Group::of(BTreeMap::new()))]);
        Self { groups, count: 0, dirty: BTreeSet::new(), checked, commits_behind: 0 }
    }

    /// The key of the group that a page after `after` is in.
    fn group_of(&self, after: &str) -> String {
        let until = (Bound::Unbounded, Bound::Included(after));
        self.groups.range::<str, _>(until).next_back().map(|(first, _)| first.clone()).unwrap_or_default()
    }

    fn get(&self, after: &str) -> Option<&Page> {
        self.groups.get(&self.group_of(after))?.pages.get(after)
    }

    pub(super) fn insert(&mut self, after: String, until: Option<String>, reads: ReadSet) {
        let Some(group) = self.groups.get_mut(&self.group_of(&after)) else { return };
        let reads = reads.within(MIRROR_READS_BYTES_MAX);
        group.reads = joined(std::mem::replace(&mut group.reads, ReadSet::nothing()), &reads);
        if group.pages.insert(after, Page { until, reads }).is_none() {
            self.count += 1;
        }
        if group.pages.len() > MIRROR_GROUP_PAGES_MAX
            && let Some(middle) = group.pages.keys().nth(group.pages.len() / 2).cloned()
        {
            let upper = group.pages.split_off(&middle);
            *group = Group::of(std::mem::take(&mut group.pages));
            self.groups.insert(middle, Group::of(upper));
        }
    }

    /// Pages that must be read again, at most `count`: the key that each begins after, and its last key.
    pub(super) fn next_dirty(&self, count: usize) -> Vec<(String, Option<String>)> {
        let first: Vec<_> = self.dirty.iter().take(count).cloned().collect();
        let page = |after: String| Some((self.get(&after)?.until.clone(), after));
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
            self.dirty.extend(self.groups.values().flat_map(|group| group.pages.keys().cloned()));
            return;
        };
        self.checked = writes.number();
        if writes.commits() == 0 {
            return;
        }
        let touched: Vec<_> = self.groups.values().flat_map(|group| group.touched(&writes)).collect();
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
