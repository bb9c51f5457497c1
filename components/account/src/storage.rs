//! The keys of the service's state.
//!
//! | key | value |
//! |---|---|
//! | `account/<account>` | the account |
//! | `email/<address in lower case>` | the account that has it |
//! | `order-count/<account>` | orders placed and not cancelled: apart from the account, since every order writes it |
//! | `generation/<account>` | how often its sessions were ended all at once; none is 0 |
//! | `session/<session>` | the session |
//! | `attempts/<SHA-256 of the address in lower case>` | failed sign-ins in a row: an address without account is not told |
//! | `expiry/<time>/<key>` | nothing; `<key>` is forgotten at `<time>` |

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use switchyard_sdk::state::Page;
use switchyard_sdk::store::{self, Direction, Scan};
use switchyard_sdk::{Timestamp, id};

use crate::domain::Account;
use crate::domain::attempts::Attempts;
use crate::domain::email::Email;
use crate::domain::session::Session;

/// Maximum of expired entries that one run deletes: each takes two keys of the 512 that one commit may write.
const FORGOTTEN_AT_ONCE: u32 = 200;

const EXPIRY: &str = "expiry/";
const ACCOUNT: &str = "account/";
const SESSION: &str = "session/";
const ATTEMPTS: &str = "attempts/";

/// The stored form of an account; a later form becomes a new variant.
#[derive(Serialize, Deserialize)]
enum StoredAccount {
    V1(Account),
}

/// The stored form of a session.
#[derive(Serialize, Deserialize)]
enum StoredSession {
    V1(Session),
}

/// The account with that id, if there is one. The id may be any text.
pub(crate) fn account(account_id: &str) -> Option<Account> {
    if !id::is_id(account_id) {
        return None;
    }
    store::get(&account_key(account_id)).map(|StoredAccount::V1(account)| account)
}

/// Stores the account. [`own_email`] stores the entry of its e-mail address.
pub(crate) fn save_account(account: Account) {
    store::set(&account_key(&account.id), &StoredAccount::V1(account));
}

/// The account that has this address, whatever its case.
pub(crate) fn owner_of(email: &Email) -> Option<String> {
    store::get(&email_key(email))
}

/// Assigns an address to the account, in place of its earlier one.
pub(crate) fn own_email(account_id: &str, before: Option<&Email>, email: &Email) {
    if let Some(before) = before {
        store::delete(&email_key(before));
    }
    store::set(&email_key(email), account_id);
}

pub(crate) fn order_count(account_id: &str) -> u32 {
    store::get(&order_count_key(account_id)).unwrap_or(0)
}

/// Changes the order count of an account; does nothing without an account.
pub(crate) fn change_order_count(account_id: &str, change: impl FnOnce(u32) -> u32) {
    if id::is_id(account_id) && store::contains(&account_key(account_id)) {
        store::set(&order_count_key(account_id), &change(order_count(account_id)));
    }
}

/// The generation that valid sessions of an account have.
pub(crate) fn generation(account_id: &str) -> u32 {
    store::get(&generation_key(account_id)).unwrap_or(0)
}

pub(crate) fn save_generation(account_id: &str, generation: u32) {
    store::set(&generation_key(account_id), &generation);
}

pub(crate) fn session(session_id: &str) -> Option<Session> {
    store::get(&session_key(session_id)).map(|StoredSession::V1(session)| session)
}

/// Stores a session until it is deleted or expires.
pub(crate) fn save_session(session_id: &str, session: Session) {
    let key = session_key(session_id);
    store::set(&expiry_key(session.expires_at, &key), &());
    store::set(&key, &StoredSession::V1(session));
}

pub(crate) fn delete_session(session_id: &str, session: &Session) {
    let key = session_key(session_id);
    store::delete(&expiry_key(session.expires_at, &key));
    store::delete(&key);
}

/// The remembered failed sign-ins with an address.
pub(crate) fn attempts(email: &Email) -> Option<Attempts> {
    store::get(&attempts_key(email))
}

/// Stores `after` in place of `before`; `None` stores nothing.
pub(crate) fn replace_attempts(email: &Email, before: Option<&Attempts>, after: Option<&Attempts>) {
    replace_attempts_at(&attempts_key(email), before, after);
}

/// Remembers `after` in place of what there is for an address, of which only the hash is known.
pub(crate) fn replace_attempts_by_hash(hash: &str, after: Option<&Attempts>) {
    let key = [ATTEMPTS, hash].concat();
    replace_attempts_at(&key, store::get(&key).as_ref(), after);
}

fn replace_attempts_at(key: &str, before: Option<&Attempts>, after: Option<&Attempts>) {
    if let Some(before) = before {
        store::delete(&expiry_key(before.expires_at(), key));
        store::delete(key);
    }
    if let Some(after) = after {
        store::set(&expiry_key(after.expires_at(), key), &());
        store::set(key, after);
    }
}

/// Puts an account and its number of orders in place of what is there. Its sessions stay as they are.
pub(crate) fn replace_account(account_id: &str, after: Option<(Account, u32)>) {
    if let Some(before) = account(account_id) {
        // Another account may have taken the address already.
        if owner_of(&before.email).as_deref() == Some(account_id) {
            store::delete(&email_key(&before.email));
        }
        store::delete(&account_key(account_id));
        store::delete(&order_count_key(account_id));
    }
    // The generation stays: sessions that it ended must not come back with the account.
    let Some((after, order_count)) = after else { return };
    own_email(account_id, None, &after.email);
    save_account(after);
    if order_count > 0 {
        store::set(&order_count_key(account_id), &order_count);
    }
}

/// Puts a session in place of what is there.
pub(crate) fn replace_session(session_id: &str, after: Option<Session>) {
    if let Some(before) = session(session_id) {
        delete_session(session_id, &before);
    }
    if let Some(after) = after {
        save_session(session_id, after);
    }
}

/// Adds the accounts of a page of entities, each with its number of orders.
pub(crate) fn export_accounts<E>(page: &mut Page<E>, entity: impl Fn(Account, u32) -> E) {
    page.add(ACCOUNT, ACCOUNT, |account_id, StoredAccount::V1(account)| Some(entity(account, order_count(account_id))));
}

/// Adds the failed sign-ins of a page of entities.
pub(crate) fn export_attempts<E>(page: &mut Page<E>, entity: impl Fn(Attempts) -> E) {
    page.add(ATTEMPTS, ATTEMPTS, |_, attempts: Attempts| Some(entity(attempts)));
}

/// Adds the sessions of a page of entities, but for those that a new password ended.
pub(crate) fn export_sessions<E>(page: &mut Page<E>, entity: impl Fn(Session) -> E) {
    page.add(SESSION, SESSION, |_, StoredSession::V1(session)| {
        (session.generation == generation(&session.account_id)).then(|| entity(session))
    });
}

/// Deletes expired entries, the earliest first, as many as fit in one commit.
pub(crate) fn forget_expired(now: Timestamp) {
    let earliest = Scan { prefix: EXPIRY, after: None, direction: Direction::Ascending, limit: FORGOTTEN_AT_ONCE };
    let now = now.sortable();
    for (expiry, ()) in store::scan::<()>(&earliest).entries {
        match expiry.strip_prefix(EXPIRY).and_then(|rest| rest.split_once('/')) {
            Some((time, key)) if time <= now.as_str() => {
                store::delete(key);
                store::delete(&expiry);
            }
            _ => break,
        }
    }
}

fn account_key(account_id: &str) -> String {
    [ACCOUNT, account_id].concat()
}

fn email_key(email: &Email) -> String {
    format!("email/{}", email.folded())
}

fn order_count_key(account_id: &str) -> String {
    format!("order-count/{account_id}")
}

fn generation_key(account_id: &str) -> String {
    format!("generation/{account_id}")
}

fn session_key(session_id: &str) -> String {
    [SESSION, session_id].concat()
}

fn attempts_key(email: &Email) -> String {
    [ATTEMPTS, &URL_SAFE_NO_PAD.encode(Sha256::digest(email.folded()))].concat()
}

fn expiry_key(at: Timestamp, key: &str) -> String {
    format!("{EXPIRY}{}/{key}", at.sortable())
}
