//! Ordered scans over the keys with one prefix, page by page: the index, the commits over it and the call's own
//! writes, merged.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::error::StoreError;
use super::index::IndexError;
use super::overlay::{Layer, View};
use crate::limits::{SCAN_BYTES_MAX, SCAN_ENTRIES_MAX};
use crate::names::{CommitSeq, Key, PLATFORM_PREFIX};

/// The first text that may be a key of a component.
const FIRST_KEY: &str = "\u{1}";

/// What to scan.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    pub prefix: &'a str,
    /// Begins behind this key, which need not exist but begins with the prefix.
    pub after: Option<&'a str>,
    pub direction: Direction,
    /// At most so many entries: 1 to [`SCAN_ENTRIES_MAX`].
    pub limit: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub value: Bytes,
}

/// One page of a scan: the entries in its direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// Whether more entries follow the last one: there were more than the limit, or they were large.
    pub more: bool,
}

/// The keys that a scan may look at.
#[derive(Debug, Clone)]
pub(super) struct Bounds<'a> {
    pub(super) lower: Bound<&'a str>,
    pub(super) upper: Bound<Cow<'a, str>>,
}

impl<'a> Scan<'a> {
    /// What a component may look at: none of the platform's own keys.
    ///
    /// # Errors
    ///
    /// When the limit is out of bounds, `after` does not begin with the prefix, or one of them is the platform's.
    pub(super) fn bounds(&self) -> Result<Bounds<'a>, StoreError> {
        for text in [Some(self.prefix), self.after].into_iter().flatten().filter(|text| !text.is_empty()) {
            Key::parse(text.get(..PLATFORM_PREFIX.len_utf8()).unwrap_or("-"))?;
        }
        let bounds = self.platform_bounds()?;
        match bounds.lower {
            Bound::Included("") => Ok(Bounds { lower: Bound::Included(FIRST_KEY), ..bounds }),
            _ => Ok(bounds),
        }
    }

    /// The keys of anybody that the scan is for.
    pub(super) fn platform_bounds(&self) -> Result<Bounds<'a>, StoreError> {
        if self.limit == 0 || self.limit > SCAN_ENTRIES_MAX {
            return Err(StoreError::ScanLimit { limit: self.limit });
        }
        if self.after.is_some_and(|after| !after.starts_with(self.prefix)) {
            return Err(StoreError::ScanAfter);
        }
        let (first, end) = (Bound::Included(self.prefix), prefix_end(self.prefix).map(Cow::Owned));
        Ok(match (self.direction, self.after) {
            (_, None) => Bounds { lower: first, upper: end },
            (Direction::Ascending, Some(after)) => Bounds { lower: Bound::Excluded(after), upper: end },
            (Direction::Descending, Some(after)) => {
                Bounds { lower: first, upper: Bound::Excluded(Cow::Borrowed(after)) }
            }
        })
    }
}

/// The first text behind all that begin with `prefix`: its last character counted up, as texts order by characters.
fn prefix_end(prefix: &str) -> Bound<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The range of characters leaves the surrogates out, as texts do.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

impl Bounds<'_> {
    pub(super) fn as_strs(&self) -> (Bound<&str>, Bound<&str>) {
        (self.lower, self.upper.as_ref().map(Cow::as_ref))
    }
}

/// The answer to a scan, and what it depends on.
pub(super) struct Scanned {
    pub(super) page: Page,
    /// The key whose entry made `page.more` true: the scan looked no further.
    pub(super) looked_until: Option<String>,
    /// The latest commit in what it looked at that the index may not have.
    pub(super) latest: CommitSeq,
}

/// Runs `scan` over `view` with `writes` over it.
pub(super) fn run(
    scan: &Scan<'_>,
    bounds: &Bounds<'_>,
    view: &View,
    writes: &BTreeMap<Key, Option<Bytes>>,
) -> Result<Scanned, StoreError> {
    let mut merge = Merge::new(scan.direction, bounds, view, writes)?;
    let mut scanned = Scanned { page: Page::default(), looked_until: None, latest: CommitSeq::default() };
    let mut bytes = 0;
    while let Some(item) = merge.next()? {
        scanned.latest = scanned.latest.max(item.number);
        let Some(value) = item.value else { continue };
        if scanned.page.entries.len() >= scan.limit as usize || bytes >= SCAN_BYTES_MAX {
            scanned.page.more = true;
            scanned.looked_until = Some(item.key.into_owned());
            break;
        }
        bytes += item.key.len() + value.len();
        scanned.page.entries.push(Entry { key: item.key.into_owned(), value });
    }
    Ok(scanned)
}

/// Gives every entry of `view` to `visit`, in the order of the keys.
pub(super) fn each<E: From<StoreError>>(
    view: &View,
    mut visit: impl FnMut(&str, Bytes) -> Result<(), E>,
) -> Result<(), E> {
    let bounds = Bounds { lower: Bound::Unbounded, upper: Bound::Unbounded };
    let none = BTreeMap::new();
    let mut merge = Merge::new(Direction::Ascending, &bounds, view, &none)?;
    while let Some(item) = merge.next()? {
        if let Some(value) = item.value {
            visit(&item.key, value)?;
        }
    }
    Ok(())
}

/// One key as one source has it; no value where the source says that it was deleted.
struct Item<'a> {
    key: Cow<'a, str>,
    value: Option<Bytes>,
    /// Of the commit that wrote it; 0 when that is in the index or not made yet.
    number: CommitSeq,
}

type Items<'a> = Box<dyn Iterator<Item = Result<Item<'a>, StoreError>> + 'a>;

struct Source<'a> {
    head: Option<Item<'a>>,
    rest: Items<'a>,
}

/// The sources, the one that hides the others first.
struct Merge<'a> {
    direction: Direction,
    sources: Vec<Source<'a>>,
}

impl<'a> Merge<'a> {
    fn new(
        direction: Direction,
        bounds: &'a Bounds<'a>,
        view: &'a View,
        writes: &'a BTreeMap<Key, Option<Bytes>>,
    ) -> Result<Self, StoreError> {
        let mut merge = Self { direction, sources: Vec::with_capacity(4) };
        if !writes.is_empty() {
            let own = writes.range::<str, _>(bounds.as_strs()).map(|(key, value)| {
                Ok(Item { key: Cow::Borrowed(key.as_str()), value: value.clone(), number: CommitSeq::default() })
            });
            merge.add(own)?;
        }
        for layer in [&view.young, &view.old] {
            if !layer.is_empty() {
                merge.add(layer_items(layer, bounds))?;
            }
        }
        let entries = view.index.range(bounds).map_err(StoreError::Index)?.map(|entry| {
            let (key, value) = entry.map_err(|error| StoreError::Index(IndexError::from(error)))?;
            let key = std::str::from_utf8(key.value()).map_err(|_| StoreError::KeyNotText)?.to_owned();
            let value = Some(Bytes::copy_from_slice(value.value()));
            Ok(Item { key: Cow::Owned(key), value, number: CommitSeq::default() })
        });
        merge.add(entries)?;
        Ok(merge)
    }

    fn add(
        &mut self,
        items: impl DoubleEndedIterator<Item = Result<Item<'a>, StoreError>> + 'a,
    ) -> Result<(), StoreError> {
        let mut rest: Items<'a> = match self.direction {
            Direction::Ascending => Box::new(items),
            Direction::Descending => Box::new(items.rev()),
        };
        if let Some(head) = rest.next().transpose()? {
            self.sources.push(Source { head: Some(head), rest });
        }
        Ok(())
    }

    /// The next key, as the first source that has it says.
    fn next(&mut self) -> Result<Option<Item<'a>>, StoreError> {
        let direction = self.direction;
        let heads = self.sources.iter().filter_map(|source| source.head.as_ref());
        // Of equal keys `min_by` gives the first: the one that hides the others.
        let first = heads.map(|head| &head.key).min_by(|a, b| match direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        });
        let Some(key) = first.cloned() else { return Ok(None) };
        let mut found: Option<Item<'a>> = None;
        for source in &mut self.sources {
            if source.head.as_ref().is_some_and(|head| head.key == key) {
                let item = std::mem::replace(&mut source.head, source.rest.next().transpose()?);
                found = found.or(item);
            }
        }
        Ok(found)
    }
}

fn layer_items<'a>(
    layer: &'a Layer,
    bounds: &'a Bounds<'a>,
) -> impl DoubleEndedIterator<Item = Result<Item<'a>, StoreError>> + 'a {
    layer.range::<_, str>(bounds.as_strs()).map(|(key, written)| {
        Ok(Item { key: Cow::Borrowed(key.as_str()), value: written.value.clone(), number: written.number })
    })
}
