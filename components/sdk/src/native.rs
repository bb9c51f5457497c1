//! A replacement of the host for native tests: a store, a caller and a clock, one of each per thread.
//!
//! Invariant: tests on different threads never see each other's state. A failed call is not rolled back by itself;
//! [`transaction`] does that like the host.

mod state;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::bindings::switchyard::service::store::{Direction, Entry, Page};
use crate::caller::Identity;

pub use state::{Changes, Entities, Page as EntityPage, StateUnderTest};

/// The time of a test's clock until it is changed: 2026-01-01T00:00:00Z.
pub const START_UNIX_MICROS: u64 = 1_767_225_600_000_000;

struct Host {
    entries: BTreeMap<String, Vec<u8>>,
    identity: Option<Identity>,
    calling_service: Option<String>,
    unix_micros: u64,
}

impl Host {
    const fn new() -> Self {
        Self { entries: BTreeMap::new(), identity: None, calling_service: None, unix_micros: START_UNIX_MICROS }
    }
}

thread_local! {
    static HOST: RefCell<Host> = const { RefCell::new(Host::new()) };
}

fn with<T>(act: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(act)
}

/// Empties the store, signs the caller out and sets the clock back to [`START_UNIX_MICROS`].
pub fn reset() {
    with(|host| *host = Host::new());
}

/// Makes the next calls as `id` in `role`, with a session if given.
pub fn sign_in(id: &str, role: &str, session: Option<&str>) {
    let identity = Identity { id: id.to_owned(), role: role.to_owned(), session: session.map(str::to_owned) };
    with(|host| host.identity = Some(identity));
}

/// Makes the next calls without an identity.
pub fn sign_out() {
    with(|host| host.identity = None);
}

/// Makes the next calls come from the component of another service.
pub fn call_from(service: &str) {
    with(|host| host.calling_service = Some(service.to_owned()));
}

/// Advances the clock.
pub fn advance_seconds(seconds: u64) {
    with(|host| host.unix_micros += seconds * 1_000_000);
}

/// Runs `call` like the host: its writes are kept only if `keeps` returns true for its answer.
pub fn transaction<T>(call: impl FnOnce() -> T, keeps: impl FnOnce(&T) -> bool) -> T {
    let before = with(|host| host.entries.clone());
    let answer = call();
    if !keeps(&answer) {
        with(|host| host.entries = before);
    }
    answer
}

/// The sorted keys in the store.
#[must_use]
pub fn keys() -> Vec<String> {
    with(|host| host.entries.keys().cloned().collect())
}

/// Puts raw bytes into the store, as an earlier release of a component may have left them.
pub fn put_bytes(key: &str, value: &[u8]) {
    with(|host| host.entries.insert(key.to_owned(), value.to_owned()));
}

/// Like the host: an invalid key ends the call.
fn check_key(key: &str) {
    assert!((1..=1024).contains(&key.len()), "the host ends the call: a key has 1 to 1,024 bytes, not {}", key.len());
}

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    check_key(key);
    with(|host| host.entries.get(key).cloned())
}

pub(crate) fn set(key: &str, value: &[u8]) {
    check_key(key);
    put_bytes(key, value);
}

pub(crate) fn delete(key: &str) {
    check_key(key);
    with(|host| host.entries.remove(key));
}

pub(crate) fn scan(prefix: &str, after: Option<&str>, direction: Direction, limit: u32) -> Page {
    assert!((1..=1000).contains(&limit), "the host ends the call: a scan gives 1 to 1,000 entries, not {limit}");
    let entry = |(key, value): (&String, &Vec<u8>)| Entry { key: key.clone(), value: value.clone() };
    let mut entries: Vec<Entry> = with(|host| {
        let matching = host.entries.iter().filter(|(key, _)| key.starts_with(prefix));
        match direction {
            Direction::Ascending => {
                matching.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).map(entry).collect()
            }
            Direction::Descending => {
                matching.rev().filter(|(key, _)| after.is_none_or(|after| key.as_str() < after)).map(entry).collect()
            }
        }
    });
    let limit = usize::try_from(limit).expect("at most 1,000");
    let more = entries.len() > limit;
    entries.truncate(limit);
    Page { entries, more }
}

pub(crate) fn current_identity() -> Option<Identity> {
    with(|host| host.identity.clone())
}

pub(crate) fn calling_service() -> Option<String> {
    with(|host| host.calling_service.clone())
}

pub(crate) fn unix_micros() -> u64 {
    with(|host| host.unix_micros)
}

pub(crate) fn random_bytes(count: u32) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(count).expect("at most 1 MiB")];
    getrandom::fill(&mut bytes).expect("the machine has random numbers");
    bytes
}

/// Like the host: a prefix, and 26 characters of Crockford's base 32.
pub(crate) fn new_id(prefix: &str) -> String {
    let is_prefix = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(is_prefix && (1..=16).contains(&prefix.len()), "the host ends the call: {prefix:?} is no prefix of an id");
    let digit = |bits: u128| {
        let digit = usize::try_from(bits % 32).expect("below 32");
        b"0123456789abcdefghjkmnpqrstvwxyz".get(digit).copied().map(char::from).expect("one of 32 digits")
    };
    let bytes = random_bytes(16).try_into().expect("16 bytes");
    let bits = u128::from_le_bytes(bytes);
    let digits: String = (0..26).map(|position| digit(bits >> (5 * position))).collect();
    format!("{prefix}_{digits}")
}
