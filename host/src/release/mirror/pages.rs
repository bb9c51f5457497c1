//! The pages of a mirror: which part of the live data each copied run of entities was read from.
//!
//! Pages that follow each other are in one group, and groups that follow each other too. A group knows what all of its
//! pages read. So what a commit costs grows with the logarithm of the number of pages.
//!
//! Invariant: after the first pass the pages follow each other without a gap, from the first entity to the end. A page
//! whose reads no commit has touched since is a true copy.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::limits::{
    MIRROR_GROUP_MEMBERS_MAX, MIRROR_GROUP_READS_BYTES_MAX, MIRROR_HOT_PAGE_ENTITIES, MIRROR_PAGE_ENTITIES,
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

/// Pages or groups that follow each other, by the key that each begins after.
#[derive(Debug)]
enum Members {
    Pages(BTreeMap<String, Page>),
    Groups(BTreeMap<String, Group>),
}

#[derive(Debug)]
struct Group {
    members: Members,
    /// What any page of it read, or more.
    reads: ReadSet,
}

/// The pages, and which of them must be read again.
#[derive(Debug)]
pub(super) struct Pages {
    all: Group,
    count: usize,
    dirty: BTreeSet<String>,
    /// Commits up to this number are taken into account.
    checked: CommitSeq,
    /// Commits that touched the data since no page was dirty.
    pub(super) commits_behind: usize,
}

impl Group {
    fn of(members: Members) -> Self {
        let nothing = ReadSet::nothing();
        let reads = match &members {
            Members::Pages(pages) => pages.values().fold(nothing, |reads, page| joined(reads, &page.reads)),
            Members::Groups(groups) => groups.values().fold(nothing, |reads, group| joined(reads, &group.reads)),
        };
        Self { members, reads }
    }

    fn get(&self, after: &str) -> Option<&Page> {
        match &self.members {
            Members::Pages(pages) => pages.get(after),
            Members::Groups(groups) => {
                let until = (Bound::Unbounded, Bound::Included(after));
                groups.range::<str, _>(until).next_back()?.1.get(after)
            }
        }
    }

    /// Adds a page, or replaces the one that begins after the same key, and returns it. If the group is full then, it keeps
    /// its lower half, and the upper half becomes another group.
    fn insert(&mut self, after: String, page: Page) -> (Option<Page>, Option<(String, Self)>) {
        self.reads = joined(std::mem::replace(&mut self.reads, ReadSet::nothing()), &page.reads);
        let (replaced, upper) = match &mut self.members {
            Members::Pages(pages) => {
                let replaced = pages.insert(after, page);
                (replaced, upper_half(pages).map(|(first, upper)| (first, Members::Pages(upper))))
            }
            Members::Groups(groups) => {
                let until = (Bound::Unbounded, Bound::Included(after.as_str()));
                let group = groups.range_mut::<str, _>(until).next_back();
                let (_, group) = group.expect("the first group begins after the empty key");
                let (replaced, upper) = group.insert(after, page);
                groups.extend(upper);
                (replaced, upper_half(groups).map(|(first, upper)| (first, Members::Groups(upper))))
            }
        };
        let Some((first, upper)) = upper else { return (replaced, None) };
        let lower = std::mem::replace(&mut self.members, Members::Pages(BTreeMap::new()));
        *self = Self::of(lower);
        (replaced, Some((first, Self::of(upper))))
    }

    /// Adds the pages that read something of `writes`, by the key that they begin after.
    fn touched(&self, writes: &RecentWrites, touched: &mut BTreeSet<String>) {
        let Some(writes) = writes.within(&self.reads) else { return };
        match &self.members {
            Members::Pages(pages) => {
                let pages = pages.iter().filter(|(_, page)| writes.touch(&page.reads));
                touched.extend(pages.map(|(after, _)| after.clone()));
            }
            Members::Groups(groups) => groups.values().for_each(|group| group.touched(&writes, touched)),
        }
    }

    /// Adds all pages.
    fn all(&self, all: &mut BTreeSet<String>) {
        match &self.members {
            Members::Pages(pages) => all.extend(pages.keys().cloned()),
            Members::Groups(groups) => groups.values().for_each(|group| group.all(all)),
        }
    }
}

fn joined(all: ReadSet, reads: &ReadSet) -> ReadSet {
    all.joined_with(reads, MIRROR_GROUP_READS_BYTES_MAX)
}

/// Takes the upper half out of `members` if they are too many for one group.
fn upper_half<T>(members: &mut BTreeMap<String, T>) -> Option<(String, BTreeMap<String, T>)> {
    let is_full = members.len() > MIRROR_GROUP_MEMBERS_MAX;
    let middle = members.keys().nth(members.len() / 2).filter(|_| is_full)?.clone();
    let upper = members.split_off(&middle);
    Some((middle, upper))
}

impl Pages {
    /// No page yet. Commits after `checked` will be taken into account.
    pub(super) fn new(checked: CommitSeq) -> Self {
        let all = Group::of(Members::Pages(BTreeMap::new()));
        Self { all, count: 0, dirty: BTreeSet::new(), checked, commits_behind: 0 }
    }

    pub(super) fn insert(&mut self, after: String, until: Option<String>, reads: ReadSet) {
        let (replaced, upper) = self.all.insert(after, Page { until, reads: reads.within(MIRROR_READS_BYTES_MAX) });
        if replaced.is_none() {
            self.count += 1;
        }
        if let Some(upper) = upper {
            let lower = std::mem::replace(&mut self.all, Group::of(Members::Pages(BTreeMap::new())));
            self.all = Group::of(Members::Groups(BTreeMap::from([(String::new(), lower), upper])));
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
