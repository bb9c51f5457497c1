//! The stored sessions and failed sign-ins. Both are stored by a hash: of the token, and of the e-mail address.
//!
//! | key | value |
//! |---|---|
//! | `token/<hash>` | [`Session`] |
//! | `epoch/<account>` | the number of times that all sessions of the account were ended; absent for 0 |
//! | `tries/<hash>` | [`Tries`] |
//! | `end/<time>/token/<hash>`, `end/<time>/tries/<hash>` | nothing: at that time the entry is deleted |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Timestamp, id};

use crate::people::Role;

const TOKEN: &str = "token/";
const TRIES: &str = "tries/";
const END: &str = "end/";

/// Number of characters of 256 bits in base64 without padding.
const HASH_CHARS: usize = 43;
const SESSION_SECONDS: u64 = 24 * 60 * 60;

/// Number of failures in a row without a wait, the longest wait, and how long failures are remembered.
const FREE_FAILURES: u32 = 5;
const WAIT_SECONDS_MAX: u64 = 15 * 60;
const REMEMBERED_SECONDS: u64 = 24 * 60 * 60;

/// Maximum number of entries that one run deletes: each has two keys.
const DELETED_AT_ONCE: u32 = 200;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) account_id: String,
    pub(crate) role: Role,
    pub(crate) expires_at: Timestamp,
    /// The epoch of the account in which it was opened. Sessions of an earlier epoch have ended.
    pub(crate) epoch: u32,
}

impl Session {
    /// Whether nobody ended it.
    fn is_of_now(&self) -> bool {
        self.epoch == epoch(&self.account_id)
    }
}

/// Failed sign-ins in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    pub(crate) failures: u32,
    pub(crate) last_failed_at: Timestamp,
}

impl Tries {
    /// The seconds until the next attempt is allowed.
    pub(crate) fn wait_seconds(self, now: Timestamp) -> u64 {
        let Some(doublings) = self.failures.checked_sub(FREE_FAILURES) else { return 0 };
        let wait = 1u64.checked_shl(doublings).unwrap_or(u64::MAX).min(WAIT_SECONDS_MAX);
        now.seconds_until(self.last_failed_at.plus_seconds(wait))
    }

    fn ends_at(self) -> Timestamp {
        self.last_failed_at.plus_seconds(REMEMBERED_SECONDS)
    }
}

/// The hash of a text, in base64.
pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether `text` has the form of a hash.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == HASH_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Opens a session and gives its token, which is stored nowhere.
pub(crate) fn open(account_id: &str, role: Role, now: Timestamp) -> (String, Session) {
    let token = URL_SAFE_NO_PAD.encode(id::random_bytes::<32>());
    let (expires_at, epoch) = (now.plus_seconds(SESSION_SECONDS), epoch(account_id));
    let session = Session { account_id: account_id.to_owned(), role, expires_at, epoch };
    add(&hash(&token), &session);
    (token, session)
}

pub(crate) fn add(hash: &str, session: &Session) {
    store::set(&[TOKEN, hash].concat(), session);
    store::set(&end_key(session.expires_at, TOKEN, hash), &());
}

/// The live session of a token, with the token's hash.
pub(crate) fn of_token(token: &str, now: Timestamp) -> Option<(String, Session)> {
    if token.len() != HASH_CHARS {
        return None;
    }
    let hash = hash(token);
    let session = session(&hash).filter(|session| now < session.expires_at && session.is_of_now())?;
    Some((hash, session))
}

pub(crate) fn session(hash: &str) -> Option<Session> {
    store::get(&[TOKEN, hash].concat())
}

/// Ends a session.
pub(crate) fn end(hash: &str) {
    if let Some(session) = session(hash) {
        store::delete(&[TOKEN, hash].concat());
        store::delete(&end_key(session.expires_at, TOKEN, hash));
    }
}

/// The epoch of an account.
pub(crate) fn epoch(account_id: &str) -> u32 {
    store::get(&["epoch/", account_id].concat()).unwrap_or_default()
}

/// Ends all sessions of an account except for one.
pub(crate) fn end_others(account_id: &str, kept: Option<&str>) {
    let epoch = epoch(account_id).wrapping_add(1);
    store::set(&["epoch/", account_id].concat(), &epoch);
    if let Some((hash, session)) = kept.and_then(|hash| Some((hash, session(hash)?)))
        && session.account_id == account_id
    {
        add(hash, &Session { epoch, ..session });
    }
}

pub(crate) fn tries(hash: &str) -> Option<Tries> {
    store::get(&[TRIES, hash].concat())
}

/// Stores the failed sign-ins of an address in place of the earlier ones.
pub(crate) fn set_tries(hash: &str, after: Option<Tries>) {
    let key = [TRIES, hash].concat();
    if let Some(before) = tries(hash) {
        store::delete(&end_key(before.ends_at(), TRIES, hash));
        store::delete(&key);
    }
    if let Some(after) = after {
        store::set(&end_key(after.ends_at(), TRIES, hash), &());
        store::set(&key, &after);
    }
}

/// Records one more failure.
pub(crate) fn fail(hash: &str, now: Timestamp) {
    let remembered = tries(hash).filter(|before| before.ends_at() > now).map_or(0, |before| before.failures);
    set_tries(hash, Some(Tries { failures: remembered.saturating_add(1), last_failed_at: now }));
}

/// Deletes what has ended, the earliest first.
pub(crate) fn delete_ended(now: Timestamp) {
    let scan = Scan { prefix: END, after: None, direction: Direction::Ascending, limit: DELETED_AT_ONCE };
    let now = now.sortable();
    for (key, ()) in store::scan::<()>(&scan).entries {
        let Some((time, entry)) = key.strip_prefix(END).and_then(|rest| rest.split_once('/')) else { return };
        if time > now.as_str() {
            return;
        }
        match (entry.strip_prefix(TOKEN), entry.strip_prefix(TRIES)) {
            (Some(hash), _) => end(hash),
            (_, Some(hash)) => set_tries(hash, None),
            _ => {}
        }
        store::delete(&key);
    }
}

/// Adds the failed sign-ins of a page of entities.
pub(crate) fn export_tries<E>(page: &mut Page<E>, entity: impl Fn(Tries) -> E) {
    page.add("attempts/", TRIES, |_, tries: Tries| Some(entity(tries)));
}

/// Adds the sessions of a page of entities.
pub(crate) fn export_sessions<E>(page: &mut Page<E>, entity: impl Fn(Session) -> E) {
    page.add("session/", TOKEN, |_, session: Session| session.is_of_now().then(|| entity(session)));
}

fn end_key(at: Timestamp, kind: &str, hash: &str) -> String {
    [END, &at.sortable(), "/", kind, hash].concat()
}
