//! Ids: a prefix for the kind of thing, and 128 random bits that cannot be guessed. The host makes them, so that they are
//! new whatever the toolchain does with random numbers.

use crate::host;

/// The longest accepted id, in bytes, so that a key has room for it and more.
pub const ID_BYTES_MAX: usize = 64;

/// A new id: `prefix`, `_` and 26 characters, which the host draws. `prefix` has 1 to 16 ASCII letters and digits,
/// such as `ord`; any other ends the call.
#[must_use]
pub fn new(prefix: &str) -> String {
    host::new_id(prefix)
}

/// Whether `text` could be an id: 1 to [`ID_BYTES_MAX`] letters, digits, `_` and `-`. Check every id from a client with
/// this: no other text is an id, and reading the store with it could end the call.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(of_id)
}

/// Random bytes for anything other than an id, such as a token. The host draws them.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let count = u32::try_from(N).expect("an array of a component is smaller than its memory");
    host::random_bytes(count).try_into().expect("the host gives as many bytes as were asked for")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn new_ids_have_their_form_and_differ() {
        let ids: HashSet<String> = (0..1000).map(|_| new("ord")).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            assert_eq!(id.len(), 30, "{id}");
            assert!(id.starts_with("ord_") && is_id(&id), "{id}");
        }
    }

    #[test]
    fn only_short_plain_text_is_an_id() {
        for (text, expected) in
            [("acc_0", true), ("A-1", true), ("", false), ("a/b", false), ("ä", false), ("a b", false)]
        {
            assert_eq!(is_id(text), expected, "{text:?}");
        }
        assert!(is_id(&"a".repeat(ID_BYTES_MAX)));
        assert!(!is_id(&"a".repeat(ID_BYTES_MAX + 1)));
    }
}
