//! What is kept of calls: the entries of the platform's own in the stores, their keys and their bytes.
//!
//! | kind | key | there |
//! |---|---|---|
//! | `m` | when its root call began, then its id | the answer of a nested call, for the same call again: a *memo* |
//! | `k` | the id of a request | its answer, for the same request again |
//! | `x` | when a request began, then its id | that its answer is to go in time |
//! | `i` | the id of a root call | what it takes to run it again: its *intent* |
//!
//! Invariant: an entry is committed with the effects that it is about, or before the first of them.

use bytes::Bytes;

use crate::names::{CallId, Key, PLATFORM_PREFIX};

const MEMO: char = 'm';
const ANSWER: char = 'k';
const ANSWER_EXPIRY: char = 'x';
const INTENT: char = 'i';

/// An entry, and what becomes of it: a value, or nothing where it goes.
pub type Entry = (Key, Option<Bytes>);

/// Times as keys have them: seconds since the Unix epoch, so that they order.
fn second(time_unix_micros: u64) -> String {
    format!("{:010x}", time_unix_micros / 1_000_000)
}

/// The key of the answer of the nested call `id`, whose root call began at `time_unix_micros`.
pub(super) fn memo(time_unix_micros: u64, id: CallId) -> Key {
    Key::platform(MEMO, &format!("{}{id:?}", second(time_unix_micros)))
}

/// The key of the answer to the request `id`.
pub(super) fn answer(id: CallId) -> Key {
    Key::platform(ANSWER, &format!("{id:?}"))
}

/// The key by which the answer to the request `id` is found when it has been kept for long enough.
pub(super) fn answer_expiry(time_unix_micros: u64, id: CallId) -> Key {
    Key::platform(ANSWER_EXPIRY, &format!("{}{id:?}", second(time_unix_micros)))
}

pub(super) fn intent(id: CallId) -> Key {
    Key::platform(INTENT, &format!("{id:?}"))
}

/// What the keys of all intents begin with.
pub(super) fn intents() -> String {
    prefix(INTENT)
}

/// What the keys of all memos begin with, and the first key that is not of a root call of before `time_unix_micros`.
pub(super) fn memos_before(time_unix_micros: u64) -> (String, String) {
    (prefix(MEMO), format!("{}{}", prefix(MEMO), second(time_unix_micros)))
}

/// The same for what says that answers are to go.
pub(super) fn answers_before(time_unix_micros: u64) -> (String, String) {
    (prefix(ANSWER_EXPIRY), format!("{}{}", prefix(ANSWER_EXPIRY), second(time_unix_micros)))
}

/// The key of the answer that the key `expiry` is about; nothing when that is no such key.
pub(super) fn answer_of_expiry(expiry: &str) -> Option<Key> {
    let id = expiry.strip_prefix(&prefix(ANSWER_EXPIRY))?.get(10..)?;
    Some(Key::platform(ANSWER, id)).filter(|_| id.len() == 32)
}

fn prefix(kind: char) -> String {
    [PLATFORM_PREFIX, kind].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_comes_before_the_key_of_a_time() {
        let (id, hour) = (CallId([0xff; 16]), 3_600_000_000);
        let (prefix, end) = memos_before(2 * hour);
        let check = |time, before| {
            let key = memo(time, id);
            assert!(key.as_str().starts_with(&prefix));
            assert_eq!(key.as_str() < end.as_str(), before, "{time}");
        };
        check(0, true);
        check(2 * hour - 1, true);
        check(2 * hour, false);
        check(u64::MAX / 2, false);
    }

    #[test]
    fn an_expiry_names_its_answer() {
        let id = CallId([7; 16]);
        assert_eq!(answer_of_expiry(answer_expiry(5, id).as_str()), Some(answer(id)));
        assert_eq!(answer_of_expiry(memo(5, id).as_str()), None);
        assert_eq!(answer_of_expiry("\0x12"), None);
    }
}
