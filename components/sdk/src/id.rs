//! Ids: a prefix for the kind of thing, and 128 random bits that cannot be guessed.

use crate::host;

/// Crockford's base 32 in lower case: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The number of characters for 128 bits, five bits each.
const RANDOM_CHARS: usize = 26;

/// The longest accepted id, in bytes, so that a key has room for it and more.
pub const ID_BYTES_MAX: usize = 64;

/// A new id: `prefix`, `_` and 26 characters. `prefix` is short and in lower case, such as `ord`.
#[must_use]
pub fn new(prefix: &str) -> String {
    let mut bytes = [0; 16];
    host::fill_random(&mut bytes);
    let mut bits = u128::from_le_bytes(bytes);
    let mut id = String::with_capacity(prefix.len() + 1 + RANDOM_CHARS);
    id.push_str(prefix);
    id.push('_');
    for _ in 0..RANDOM_CHARS {
        let digit = usize::try_from(bits % 32).ok().and_then(|digit| ALPHABET.get(digit));
        id.push(char::from(*digit.expect("below 32")));
        bits /= 32;
    }
    id
}

/// Whether `text` could be an id: 1 to [`ID_BYTES_MAX`] letters, digits, `_` and `-`. Check every id from a client with
/// this: no other text is an id, and reading the store with it could end the call.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(of_id)
}

/// Random bytes for anything other than an id, such as a token.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    host::fill_random(&mut bytes);
    bytes
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
