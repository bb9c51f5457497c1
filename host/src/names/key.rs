//! The key of a store entry, as it is stored.
//!
//! Invariant: the first byte names the space of the key. Components can name only keys of their own space, and the
//! host's system tables use the other, so no prefix, cursor or bound of a component reaches them.

use std::fmt;
use std::sync::Arc;

use super::error::NameError;
use super::generation::Generation;
use crate::limits::KEY_BYTES_MAX;

/// The first byte of a component's keys, in each generation of its data.
const FIRST: u8 = b'c';
const SECOND: u8 = b'd';
/// The first byte of the rows of system tables.
const SYSTEM: u8 = b's';

/// A stored key: one byte for its space, then a component's key or a row of a system table. Keys are ordered by their
/// bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// A component's key: 1 to 1,024 bytes of UTF-8.
    ///
    /// # Errors
    ///
    /// If `text` is empty or longer than [`KEY_BYTES_MAX`].
    pub fn parse(generation: Generation, text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return Err(NameError::new("store key", text, "must be 1 to 1,024 bytes"));
        }
        Ok(Self(std::iter::once(space(generation)).chain(text.bytes()).collect()))
    }

    /// A row of the system table `table`. Only `store::system` calls this.
    pub(crate) fn of_row(table: u8, fields: &[u8]) -> Self {
        let key: Arc<[u8]> = [SYSTEM, table].into_iter().chain(fields.iter().copied()).collect();
        assert!(key.len() <= KEY_BYTES_MAX, "the fields of every table are bounded far below a key's limit");
        Self(key)
    }

    /// Parses a key as the journal and the indexes store it.
    ///
    /// # Errors
    ///
    /// If `bytes` begin with no known space.
    pub(crate) fn stored(bytes: &[u8]) -> Result<Self, NameError> {
        let is_key = match bytes.split_first() {
            Some((&(FIRST | SECOND), text)) => {
                (1..=KEY_BYTES_MAX).contains(&text.len()) && std::str::from_utf8(text).is_ok()
            }
            Some((&SYSTEM, row)) => (1..KEY_BYTES_MAX).contains(&row.len()),
            _ => false,
        };
        let error = || NameError::new("stored key", &String::from_utf8_lossy(bytes), "has an unknown first byte");
        is_key.then(|| Self(bytes.into())).ok_or_else(error)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key as its component names it; `None` for a row of a system table.
    #[must_use]
    pub fn component_text(&self) -> Option<&str> {
        component_text(&self.0)
    }

    /// The generation of a component's key; `None` for a row of a system table.
    #[must_use]
    pub fn generation(&self) -> Option<Generation> {
        generation(&self.0)
    }

    /// The table and the fields of a row; `None` for a component's key.
    pub(crate) fn row(&self) -> Option<(u8, &[u8])> {
        row(&self.0)
    }

    /// The number of bytes that count against a limit: those that the owner of the key chose.
    pub(crate) fn counted_bytes(&self) -> usize {
        self.0.len() - 1
    }
}

/// Like [`Key::component_text`], for the bytes of a key.
pub(crate) fn component_text(bytes: &[u8]) -> Option<&str> {
    let (FIRST | SECOND, text) = bytes.split_first().map(|(space, text)| (*space, text))? else { return None };
    std::str::from_utf8(text).ok()
}

/// The generation of a component's key; `None` for a row of a system table.
pub(crate) fn generation(bytes: &[u8]) -> Option<Generation> {
    match *bytes.first()? {
        FIRST => Some(Generation::First),
        SECOND => Some(Generation::Second),
        _ => None,
    }
}

const fn space(generation: Generation) -> u8 {
    match generation {
        Generation::First => FIRST,
        Generation::Second => SECOND,
    }
}

/// Like [`Key::row`], for the bytes of a key.
pub(crate) fn row(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (table, fields) = bytes.strip_prefix(&[SYSTEM])?.split_first()?;
    Some((*table, fields))
}

/// Allows lookups and ranges in a map of keys by plain bytes: both have the same order.
impl std::borrow::Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// A component's key as text; a row as its table and its fields in hexadecimal, such as `<m 0007ab>`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((table, fields)) = self.row() else {
            return f.write_str(self.component_text().unwrap_or_default());
        };
        write!(f, "<{} ", char::from(table))?;
        fields.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(">")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// A range of keys in one space: from `start`, before `end`.
///
/// Both bounds are always within the space. Bounds in the wrong order give an empty range, never an error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRange {
    start: Box<[u8]>,
    end: Box<[u8]>,
}

impl KeyRange {
    /// A component's keys that begin with `prefix`, after `after` and before `before`, if given. Both must begin with
    /// the prefix.
    pub(crate) fn of_component(
        generation: Generation,
        prefix: &str,
        after: Option<&str>,
        before: Option<&str>,
    ) -> Self {
        let space = [space(generation)];
        let whole = Self::prefixed(&joined(&space, prefix.as_bytes()));
        let start = after.map_or(whole.start, |after| successor(joined(&space, after.as_bytes())));
        let end = before.map_or(whole.end, |before| joined(&space, before.as_bytes()).into());
        Self { start, end }
    }

    /// The rows of the system table `table` with fields from `start` on, before `end`.
    pub(crate) fn of_rows(table: u8, start: Option<&[u8]>, end: Option<&[u8]>) -> Self {
        let whole = Self::prefixed(&[SYSTEM, table]);
        let bound = |fields: &[u8]| joined(&[SYSTEM, table], fields).into();
        Self { start: start.map_or(whole.start, bound), end: end.map_or(whole.end, bound) }
    }

    /// All keys of all spaces: for a copy of a whole store.
    pub(crate) fn everything() -> Self {
        Self { start: Box::default(), end: [u8::MAX].into() }
    }

    /// The smallest range that contains both.
    pub(crate) fn joined_with(&self, other: &Self) -> Self {
        Self { start: (&self.start).min(&other.start).clone(), end: (&self.end).max(&other.end).clone() }
    }

    /// The range from `first` to `last`, both included.
    pub(crate) fn between(first: &Key, last: &Key) -> Self {
        Self { start: first.as_bytes().into(), end: successor(last.as_bytes().to_vec()) }
    }

    /// The part of the range that a scan read, from its start or from its end, up to and including `last`.
    pub(crate) fn up_to(self, last: &[u8], from_start: bool) -> Self {
        match from_start {
            true => Self { end: successor(last.to_vec()), ..self },
            false => Self { start: last.into(), ..self },
        }
    }

    /// Keys that begin with `prefix`. The prefix starts with the byte of a space, so a text after all of them exists.
    fn prefixed(prefix: &[u8]) -> Self {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                break;
            }
        }
        Self { start: prefix.into(), end: end.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        *self.start <= *key && *key < *self.end
    }

    pub(crate) fn start(&self) -> &[u8] {
        &self.start
    }

    pub(crate) fn end(&self) -> &[u8] {
        &self.end
    }
}

fn joined(one: &[u8], other: &[u8]) -> Vec<u8> {
    [one, other].concat()
}

/// The first key after `key`.
fn successor(mut key: Vec<u8>) -> Box<[u8]> {
    key.push(0);
    key.into()
}

#[cfg(test)]
mod tests;
