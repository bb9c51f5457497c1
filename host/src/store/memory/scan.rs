//! Ordered scans over a range of keys, page by page. A scan merges the index, the commits over it and the call's own
//! writes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::snapshot::{Layer, Snapshot};
use crate::limits::{KEY_BYTES_MAX, SCAN_BYTES_MAX, SCAN_ENTRIES_MAX};
use crate::names::{CommitSeq, Generation, Key, KeyRange};
use crate::store::error::StoreError;

/// The arguments of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    pub prefix: &'a str,
    /// Begins after this key, which need not exist but must begin with the prefix.
    pub after: Option<&'a str>,
    pub direction: Direction,
    /// The maximum of entries: 1 to [`SCAN_ENTRIES_MAX`].
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
    /// Whether more entries follow the last one: the page reached the limit, or its maximum size.
    pub more: bool,
}

impl Scan<'_> {
    /// The range of keys to scan.
    ///
    /// # Errors
    ///
    /// When the limit is out of bounds, or `after` does not begin with the prefix.
    pub(in crate::store) fn range(&self, generation: Generation) -> Result<KeyRange, StoreError> {
        if self.limit == 0 || self.limit > SCAN_ENTRIES_MAX {
            return Err(StoreError::ScanLimit { limit: self.limit });
        }
        if self.after.is_some_and(|after| !after.starts_with(self.prefix)) {
            return Err(StoreError::ScanAfter);
        }
        // A longer text than every key is remembered only as far as it matters for comparisons with keys.
        let cut = |text| cut(text, KEY_BYTES_MAX + 1);
        let (prefix, after) = (cut(self.prefix), self.after.map(cut));
        Ok(match self.direction {
            Direction::Ascending => KeyRange::of_component(generation, prefix, after, None),
            Direction::Descending => KeyRange::of_component(generation, prefix, None, after),
        })
    }
}

/// The longest prefix of `text` of about `bytes`, or a little more, in whole characters.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.ceil_char_boundary(bytes)).unwrap_or(text)
}

/// The result of a scan, and the data that it depends on.
pub(in crate::store) struct Scanned<K> {
    pub(in crate::store) entries: Vec<(K, Bytes)>,
    /// The key that ended the page: the scan did not look further.
    pub(in crate::store) looked_until: Option<Vec<u8>>,
    /// The latest commit among the entries it looked at that may not be in the index.
    pub(in crate::store) latest: CommitSeq,
}

/// Reads at most `limit` entries of `range` from `snapshot` with `writes` over it; `read` parses their keys.
pub(in crate::store) fn run<K>(
    range: &KeyRange,
    direction: Direction,
    limit: u32,
    snapshot: &Snapshot,
    writes: &BTreeMap<Key, Option<Bytes>>,
    read: impl Fn(&[u8]) -> Result<K, StoreError>,
) -> Result<Scanned<K>, StoreError> {
    let mut scanned = Scanned { entries: Vec::new(), looked_until: None, latest: CommitSeq::default() };
    if range.is_empty() {
        return Ok(scanned);
    }
    let mut merge = Merge::new(direction, range, snapshot, writes, true)?;
    let mut bytes = 0;
    while let Some(item) = merge.next()? {
        scanned.latest = scanned.latest.max(item.number);
        let Some(value) = item.value else { continue };
        if scanned.entries.len() >= limit as usize || bytes >= SCAN_BYTES_MAX {
            scanned.looked_until = Some(item.key.into_owned());
            break;
        }
        bytes += item.key.len() + value.len();
        scanned.entries.push((read(&item.key)?, value));
    }
    Ok(scanned)
}

/// The first keys of `range` in `snapshot`, at most `limit`, without copying their values.
pub(in crate::store) fn keys<K>(
    range: &KeyRange,
    limit: u32,
    snapshot: &Snapshot,
    read: impl Fn(&[u8]) -> Result<K, StoreError>,
) -> Result<Vec<K>, StoreError> {
    let (mut keys, none) = (Vec::new(), BTreeMap::new());
    if range.is_empty() {
        return Ok(keys);
    }
    let mut merge = Merge::new(Direction::Ascending, range, snapshot, &none, false)?;
    while keys.len() < limit as usize
        && let Some(item) = merge.next()?
    {
        if item.value.is_some() {
            keys.push(read(&item.key)?);
        }
    }
    Ok(keys)
}

/// Calls `visit` with every entry of `snapshot`, in the order of the keys.
pub(in crate::store) fn each<E: From<StoreError>>(
    snapshot: &Snapshot,
    mut visit: impl FnMut(&[u8], Bytes) -> Result<(), E>,
) -> Result<(), E> {
    let (range, none) = (KeyRange::everything(), BTreeMap::new());
    let mut merge = Merge::new(Direction::Ascending, &range, snapshot, &none, true)?;
    while let Some(item) = merge.next()? {
        if let Some(value) = item.value {
            visit(&item.key, value)?;
        }
    }
    Ok(())
}

/// One key in one source. No value means that the source deleted it.
struct Item<'a> {
    key: Cow<'a, [u8]>,
    value: Option<Bytes>,
    /// The commit that wrote it; 0 when that is in the index or not committed yet.
    number: CommitSeq,
}

type Items<'a> = Box<dyn Iterator<Item = Result<Item<'a>, StoreError>> + 'a>;

struct Source<'a> {
    head: Option<Item<'a>>,
    rest: Items<'a>,
}

/// The sources. An earlier source hides later ones.
struct Merge<'a> {
    direction: Direction,
    sources: Vec<Source<'a>>,
}

impl<'a> Merge<'a> {
    /// `range` is not empty. Without `with_values`, the values of the index are empty.
    fn new(
        direction: Direction,
        range: &'a KeyRange,
        snapshot: &'a Snapshot,
        writes: &'a BTreeMap<Key, Option<Bytes>>,
        with_values: bool,
    ) -> Result<Self, StoreError> {
        let mut merge = Self { direction, sources: Vec::with_capacity(4) };
        if !writes.is_empty() {
            let own = writes.range::<[u8], _>(bounds(range)).map(|(key, value)| {
                Ok(Item { key: Cow::Borrowed(key.as_bytes()), value: value.clone(), number: CommitSeq::default() })
            });
            merge.add(own)?;
        }
        for layer in [&snapshot.memtable, &snapshot.immutable] {
            if !layer.is_empty() {
                merge.add(layer_items(layer, range))?;
            }
        }
        let entries = snapshot.index.range(range, with_values).map_err(StoreError::Index)?.map(|entry| {
            let (key, value) = entry.map_err(StoreError::Index)?;
            Ok(Item { key: Cow::Owned(key), value: Some(value), number: CommitSeq::default() })
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

    /// The next key, from the first source that contains it.
    fn next(&mut self) -> Result<Option<Item<'a>>, StoreError> {
        let direction = self.direction;
        let heads = self.sources.iter().filter_map(|source| source.head.as_ref());
        // For equal keys `min_by` returns the first: the source that hides the others.
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

fn bounds(range: &KeyRange) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(range.start()), Bound::Excluded(range.end()))
}

fn layer_items<'a>(
    layer: &'a Layer,
    range: &KeyRange,
) -> impl DoubleEndedIterator<Item = Result<Item<'a>, StoreError>> + 'a {
    layer.range::<_, [u8]>(bounds(range)).map(|(key, written)| {
        Ok(Item { key: Cow::Borrowed(key.as_bytes()), value: written.value.clone(), number: written.number })
    })
}
