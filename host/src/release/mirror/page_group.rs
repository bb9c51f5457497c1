//! Pages of a mirror that follow each other, and groups of them: a tree.
//!
//! Invariant: a group knows what all of its pages read, or more. So a commit is compared with few groups besides those whose
//! pages it touches, whatever the number of pages.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::limits::{MIRROR_GROUP_MEMBERS_MAX, MIRROR_GROUP_READS_BYTES_MAX};
use crate::store::{ReadSet, RecentWrites};

/// A run of entities: those after its key in the map, up to `until`.
#[derive(Debug)]
pub(super) struct Page {
    /// `None` for the last page.
    pub(super) until: Option<String>,
    pub(super) reads: ReadSet,
}

/// Pages or groups that follow each other, by the key that each begins after.
#[derive(Debug)]
enum Members {
    Pages(BTreeMap<String, Page>),
    Groups(BTreeMap<String, PageGroup>),
}

#[derive(Debug)]
pub(super) struct PageGroup {
    members: Members,
    /// What any page of it read, or more.
    reads: ReadSet,
}

impl PageGroup {
    /// A group without pages, which begins before all entities.
    pub(super) fn empty() -> Self {
        Self::of(Members::Pages(BTreeMap::new()))
    }

    fn of(members: Members) -> Self {
        let nothing = ReadSet::nothing();
        let reads = match &members {
            Members::Pages(pages) => pages.values().fold(nothing, |reads, page| joined(reads, &page.reads)),
            Members::Groups(groups) => groups.values().fold(nothing, |reads, group| joined(reads, &group.reads)),
        };
        Self { members, reads }
    }

    pub(super) fn get(&self, after: &str) -> Option<&Page> {
        match &self.members {
            Members::Pages(pages) => pages.get(after),
            Members::Groups(groups) => {
                let until = (Bound::Unbounded, Bound::Included(after));
                groups.range::<str, _>(until).next_back()?.1.get(after)
            }
        }
    }

    /// Adds a page, or replaces the one that begins after the same key, and returns it.
    pub(super) fn insert(&mut self, after: String, page: Page) -> Option<Page> {
        let (replaced, upper) = self.insert_below(after, page);
        if let Some(upper) = upper {
            let lower = std::mem::replace(self, Self::empty());
            *self = Self::of(Members::Groups(BTreeMap::from([(String::new(), lower), upper])));
        }
        replaced
    }

    /// The same. If the group is full then, it keeps its lower half, and the upper half becomes another group.
    fn insert_below(&mut self, after: String, page: Page) -> (Option<Page>, Option<(String, Self)>) {
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
                let (replaced, upper) = group.insert_below(after, page);
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
    pub(super) fn touched(&self, writes: &RecentWrites, touched: &mut BTreeSet<String>) {
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
    pub(super) fn all(&self, all: &mut BTreeSet<String>) {
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
