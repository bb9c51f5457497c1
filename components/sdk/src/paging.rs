//! Paging of lists: `limit` and `cursor` as in every list of the shop.
//!
//! Invariant: a cursor contains only a position within its list, never a whole key, so that even a forged one reads
//! nothing outside the list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

use crate::store::{self, Direction, Scan};
use crate::types::Problem;

/// Maximum of items per page.
pub const LIMIT_MAX: u32 = 100;

/// Items per page if the request has no limit.
pub const LIMIT_DEFAULT: u32 = 20;

/// The longest accepted cursor, in characters: it becomes a key, which must fit in the store.
const CURSOR_CHARS_MAX: usize = 1024;

/// Bytes before a cursor's position that distinguish a cursor of this list from anything else.
const CHECK_BYTES: usize = 8;

/// A request for one page of a list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    list: String,
    after: Option<String>,
    limit: u32,
}

/// One page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct PageOf<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// The `cursor` for the next page; `None` on the last one.
    pub next_cursor: Option<String>,
}

impl PageRequest {
    /// Parses a client's request for a page. `list` names the list and its filters (such as `orders of acc_1`): the
    /// cursor of one list is malformed for another.
    ///
    /// # Errors
    ///
    /// [`Problem::Malformed`], naming the parameter `limit` or `cursor`.
    pub fn parse(list: impl Into<String>, cursor: Option<&str>, limit: Option<u32>) -> Result<Self, Problem> {
        let list = list.into();
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::malformed_parameter("limit", "must be 1 to 100"));
        }
        let open = |cursor| {
            open(&list, cursor).ok_or_else(|| {
                Problem::malformed_parameter(
                    "cursor",
                    "must be a `nextCursor` that this list gave, with the same filters",
                )
            })
        };
        let after = cursor.map(open).transpose()?;
        Ok(Self { list, after, limit })
    }

    /// Maximum of items on the page.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// The position after which the page begins, as it was passed to [`PageRequest::cursor`].
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The cursor of the page after `position`, for lists that are not read with [`PageRequest::read`].
    #[must_use]
    pub fn cursor(&self, position: &str) -> String {
        let mut bytes = check(&self.list, position).to_le_bytes().to_vec();
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The page of the entries under `prefix`.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, prefix: &str, direction: Direction) -> PageOf<T> {
        let after = self.after().map(|position| format!("{prefix}{position}"));
        let page = store::scan(&Scan { prefix, after: after.as_deref(), direction, limit: self.limit });
        let position = page.entries.last().and_then(|(key, _)| key.strip_prefix(prefix));
        let next_cursor = position.filter(|_| page.more).map(|position| self.cursor(position));
        PageOf { items: page.entries.into_iter().map(|(_, item)| item).collect(), next_cursor }
    }
}

impl<T> PageOf<T> {
    /// The same page with its items converted by `translate`.
    pub fn map<U>(self, translate: impl FnMut(T) -> U) -> PageOf<U> {
        PageOf { items: self.items.into_iter().map(translate).collect(), next_cursor: self.next_cursor }
    }
}

/// The position in a cursor of `list`.
fn open(list: &str, cursor: &str) -> Option<String> {
    if cursor.len() > CURSOR_CHARS_MAX {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (told, position) = bytes.split_first_chunk::<CHECK_BYTES>()?;
    let position = std::str::from_utf8(position).ok()?;
    (u64::from_le_bytes(*told) == check(list, position)).then(|| position.to_owned())
}

/// FNV-1a over list and position. It detects mistakes and cut or edited cursors. It is not a secret, and need not be:
/// see the invariant above.
fn check(list: &str, position: &str) -> u64 {
    let bytes = list.bytes().chain([0xff]).chain(position.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native;

    fn parameter(result: Result<PageRequest, Problem>) -> String {
        let Err(Problem::Malformed(faults)) = result else { panic!("not malformed: {result:?}") };
        faults.errors[0].parameter.clone().expect("a parameter")
    }

    #[test]
    fn a_limit_is_1_to_100_and_20_by_default() {
        for (limit, expected) in [(None, 20), (Some(1), 1), (Some(100), 100)] {
            assert_eq!(PageRequest::parse("list", None, limit).map(|request| request.limit()), Ok(expected));
        }
        for limit in [0, 101, u32::MAX] {
            assert_eq!(parameter(PageRequest::parse("list", None, Some(limit))), "limit");
        }
    }

    #[test]
    fn following_the_cursors_reads_every_item_once_in_order() {
        for (direction, expected) in [(Direction::Ascending, [1, 2, 3, 4, 5]), (Direction::Descending, [5, 4, 3, 2, 1])]
        {
            native::reset();
            for number in 1..=5u32 {
                store::set(&format!("n/{number}"), &number);
            }
            store::set("o/1", &9u32);
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            for pages in 1.. {
                let request = PageRequest::parse("numbers", cursor.as_deref(), Some(2)).expect("our own cursor");
                let page = request.read::<u32>("n/", direction);
                seen.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    assert_eq!(pages, 3);
                    break;
                }
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_cursor_that_was_touched_or_is_of_another_list_is_malformed() {
        let cursor = PageRequest::parse("list", None, None).expect("no cursor").cursor("position");
        assert!(PageRequest::parse("list", Some(&cursor), None).is_ok());
        assert_eq!(parameter(PageRequest::parse("another", Some(&cursor), None)), "cursor");
        for place in 0..cursor.len() {
            let mut touched = cursor.clone().into_bytes();
            touched[place] = if touched[place] == b'A' { b'B' } else { b'A' };
            let touched = String::from_utf8(touched).expect("ASCII");
            assert_eq!(parameter(PageRequest::parse("list", Some(&touched), None)), "cursor", "{touched}");
        }
        for cursor in ["", "x", "not base64!", &cursor[1..], &"A".repeat(2000)] {
            assert_eq!(parameter(PageRequest::parse("list", Some(cursor), None)), "cursor", "{cursor}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_position_comes_back_out_of_its_cursor(list: String, position in ".{0,100}", other: String) {
            let cursor = PageRequest::parse(list.as_str(), None, None).expect("no cursor").cursor(&position);
            let request = PageRequest::parse(list, Some(&cursor), None).expect("its own cursor");
            proptest::prop_assert_eq!(request.after(), Some(position.as_str()));
            let _never_panics = PageRequest::parse("list", Some(&other), None);
        }
    }
}
