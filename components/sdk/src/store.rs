//! The typed store: serde values under text keys, in the service's own transactional store.
//!
//! Invariant: every value is one byte [`FORMAT`] followed by [postcard](https://postcard.jamesmunns.com/wire-format). A
//! variant added at the end of an enum keeps old values readable; any other change of a stored type does not. So store
//! values that must outlive a release as an enum of versions from the start: `enum StoredCart { V1(Cart) }`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host;

pub use crate::bindings::switchyard::service::store::Direction;

/// The first byte of every value: how the rest is encoded.
pub const FORMAT: u8 = 1;

/// Why a stored value does not have the expected type: another release wrote it, or a key is used for two types.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The value is empty, or begins with a byte other than [`FORMAT`].
    #[error("the value under {key:?} is not of format {FORMAT}")]
    Format {
        /// The key of the value.
        key: String,
    },
    /// The value has the format, but not the type.
    #[error("the value under {key:?} is no {wanted}")]
    Value {
        /// The key of the value.
        key: String,
        /// The expected Rust type.
        wanted: &'static str,
        /// The error of postcard.
        source: postcard::Error,
    },
}

/// The value under `key`, if there is one.
///
/// # Panics
///
/// If the value is not a `T`; the message names key and type. Like an invalid key, this ends the call, because it is a
/// mistake of the component that its client cannot fix. [`try_get`] returns an error instead.
#[must_use]
pub fn get<T: DeserializeOwned>(key: &str) -> Option<T> {
    try_get(key).unwrap_or_else(|error| end_call(&error))
}

/// The value under `key`, if there is one.
///
/// # Errors
///
/// [`DecodeError`] if it is not a `T`.
pub fn try_get<T: DeserializeOwned>(key: &str) -> Result<Option<T>, DecodeError> {
    host::get(key).map(|bytes| decode(key, &bytes)).transpose()
}

/// Whether there is a value under `key`.
#[must_use]
pub fn contains(key: &str) -> bool {
    host::get(key).is_some()
}

/// Puts `value` under `key`, in place of an existing one. A key has 1 to 1,024 bytes, an encoded value at most 1 MiB;
/// beyond that the host ends the call.
pub fn set<T: Serialize + ?Sized>(key: &str, value: &T) {
    host::set(key, &encode(value));
}

/// Deletes `key` and its value, if they exist.
pub fn delete(key: &str) {
    host::delete(key);
}

/// Which entries to read, and from where.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// The prefix of the keys.
    pub prefix: &'a str,
    /// The key after which to begin, which must begin with `prefix`; `None` begins at the first (or last) key.
    pub after: Option<&'a str>,
    /// Keys are sorted by their bytes.
    pub direction: Direction,
    /// 1 to 1,000.
    pub limit: u32,
}

/// Entries in the order of a scan.
#[derive(Debug)]
pub struct Page<T> {
    /// Key and value.
    pub entries: Vec<(String, T)>,
    /// Whether more entries follow the last of `entries`.
    pub more: bool,
}

/// The entries that `scan` describes.
///
/// # Panics
///
/// If a value is not a `T`, like [`get`].
#[must_use]
pub fn scan<T: DeserializeOwned>(scan: &Scan<'_>) -> Page<T> {
    let page = host::scan(scan.prefix, scan.after, scan.direction, scan.limit);
    let typed = |entry: crate::bindings::switchyard::service::store::Entry| {
        let value = decode(&entry.key, &entry.value).unwrap_or_else(|error| end_call(&error));
        (entry.key, value)
    };
    Page { entries: page.entries.into_iter().map(typed).collect(), more: page.more }
}

/// Every entry under `prefix`, ascending, read in pages on demand. Use it only for few entries: a call that reads a
/// range runs again when another call changes the range.
pub fn all<T: DeserializeOwned>(prefix: &str) -> impl Iterator<Item = (String, T)> {
    const PAGE_ENTRIES: u32 = 100;
    let mut page = Page { entries: Vec::new(), more: true }.into_reader();
    let prefix = prefix.to_owned();
    std::iter::from_fn(move || {
        if page.entries.len() == 0 && page.more {
            let wanted = Scan {
                prefix: &prefix,
                after: page.last.as_deref(),
                direction: Direction::Ascending,
                limit: PAGE_ENTRIES,
            };
            page = scan(&wanted).into_reader();
        }
        page.entries.next()
    })
}

struct PageReader<T> {
    entries: std::vec::IntoIter<(String, T)>,
    last: Option<String>,
    more: bool,
}

impl<T> Page<T> {
    fn into_reader(self) -> PageReader<T> {
        let last = self.entries.last().map(|(key, _)| key.clone());
        PageReader { entries: self.entries.into_iter(), last, more: self.more }
    }
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![FORMAT]).expect("a stored type has nothing that postcard cannot encode")
}

fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, DecodeError> {
    let Some((&FORMAT, encoded)) = bytes.split_first() else {
        return Err(DecodeError::Format { key: key.to_owned() });
    };
    let wanted = std::any::type_name::<T>();
    match postcard::take_from_bytes(encoded) {
        Ok((value, [])) => Ok(value),
        Ok(_) => {
            Err(DecodeError::Value { key: key.to_owned(), wanted, source: postcard::Error::DeserializeBadEncoding })
        }
        Err(source) => Err(DecodeError::Value { key: key.to_owned(), wanted, source }),
    }
}

#[cold]
fn end_call(error: &DecodeError) -> ! {
    panic!("{error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native;

    #[test]
    fn what_is_set_is_what_is_got_until_it_is_deleted() {
        native::reset();
        set("a", &(7u32, "seven"));
        assert_eq!(get("a"), Some((7u32, "seven".to_owned())));
        assert!(contains("a"));
        delete("a");
        assert_eq!(get::<(u32, String)>("a"), None);
        assert!(!contains("a"));
    }

    #[test]
    fn a_value_that_cannot_be_decoded_is_an_error_with_its_key() {
        native::reset();
        for bytes in [&[][..], &[0, 1], &[2, 1]] {
            native::put_bytes("k", bytes);
            assert_eq!(try_get::<u8>("k"), Err(DecodeError::Format { key: "k".to_owned() }), "{bytes:?}");
        }
        for bytes in [&[FORMAT][..], &[FORMAT, 1, 1]] {
            native::put_bytes("k", bytes);
            let error = try_get::<u8>("k").expect_err("not one byte");
            assert_eq!(error.to_string(), "the value under \"k\" is no u8", "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_stored_comes_back_and_what_is_not_is_no_panic(
            value: (u64, Option<String>, Vec<(i32, bool)>),
            bytes: Vec<u8>,
        ) {
            proptest::prop_assert_eq!(decode("k", &encode(&value)), Ok(value));
            let _either = decode::<(u64, Option<String>, Vec<(i32, bool)>)>("k", &bytes);
        }
    }

    #[test]
    fn a_scan_gives_a_page_behind_a_key_in_its_direction() {
        native::reset();
        for key in ["a/1", "b/1", "b/2", "b/3", "c/1"] {
            set(key, key);
        }
        let scan_keys = |after, direction, limit| {
            let page = scan::<String>(&Scan { prefix: "b/", after, direction, limit });
            (page.entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>().join(" "), page.more)
        };
        let cases = [
            (None, Direction::Ascending, 2, "b/1 b/2", true),
            (Some("b/2"), Direction::Ascending, 2, "b/3", false),
            (None, Direction::Descending, 3, "b/3 b/2 b/1", false),
            (Some("b/25"), Direction::Descending, 1, "b/2", true),
        ];
        for (after, direction, limit, keys, more) in cases {
            assert_eq!(scan_keys(after, direction, limit), (keys.to_owned(), more), "{after:?} {direction:?} {limit}");
        }
    }

    #[test]
    fn all_reads_every_entry_once_over_many_pages() {
        native::reset();
        for number in 0..250u32 {
            set(&format!("n/{number:04}"), &number);
        }
        let numbers: Vec<u32> = all("n/").map(|(_, number)| number).collect();
        assert_eq!(numbers, (0..250).collect::<Vec<_>>());
    }
}
