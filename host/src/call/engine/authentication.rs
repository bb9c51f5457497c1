//! The cache of `authenticate`: the owners of bearer tokens, for a short time.
//!
//! Invariant: a result is used again only while a new call would return the same: no commit has changed anything that
//! it read, the release is the same, and it is not older than its bound (sessions also end by time). So a sign-out
//! takes effect at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use super::answer::Answer;
use crate::call::routing::{Backend, LoadedRelease};
use crate::clock;
use crate::limits::SESSIONS_CACHED_MAX;
use crate::names::{Identity, OPERATOR};
use crate::store::ReadSet;

/// The SHA-256 of a token: the token itself is not kept.
pub(in crate::call) type TokenKey = [u8; 32];

#[derive(Debug)]
pub(in crate::call) struct Sessions {
    age_max: Duration,
    known: Mutex<HashMap<TokenKey, Arc<Known>>>,
}

#[derive(Debug)]
struct Known {
    identity: Identity,
    reads: ReadSet,
    /// Weak, so that the cache keeps no replaced release alive.
    release: Weak<LoadedRelease>,
    until: Instant,
}

impl Sessions {
    pub(in crate::call) fn new(age_ms_max: u64) -> Self {
        Self { age_max: Duration::from_millis(age_ms_max), known: Mutex::default() }
    }

    pub(in crate::call) fn key(token: &str) -> TokenKey {
        Sha256::digest(token.as_bytes()).into()
    }

    pub(in crate::call) fn get(&self, key: &TokenKey, authenticator: &Backend) -> Option<Identity> {
        let known = Arc::clone(self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key)?);
        let current = std::ptr::eq(known.release.as_ptr(), Arc::as_ptr(&authenticator.release))
            && known.until > clock::now()
            && authenticator.service.store.unchanged(&known.reads);
        if !current {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
        current.then(|| known.identity.clone())
    }

    pub(in crate::call) fn keep(
        &self,
        key: TokenKey,
        identity: Identity,
        reads: ReadSet,
        release: &Arc<LoadedRelease>,
    ) {
        let release = Arc::downgrade(release);
        let until = clock::now() + self.age_max;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= SESSIONS_CACHED_MAX {
            // A dropped entry only costs another lookup. Finding the oldest one would cost more.
            known.clear();
        }
        known.insert(key, Arc::new(Known { identity, reads, release, until }));
    }
}

/// Parses the answer of `authenticate`. Its type was checked with the contract: `option<record { id: string, role:
/// string, session: option<string> }>`.
pub(in crate::call) fn identity(answer: Answer) -> Option<Identity> {
    let Answer::Ok(Some(Val::Option(Some(record)))) = answer else { return None };
    let Val::Record(fields) = *record else { return None };
    let (mut id, mut role, mut session) = (None, None, None);
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("id", Val::String(text)) => id = Some(text),
            ("role", Val::String(text)) => role = Some(text),
            ("session", Val::Option(Some(text))) => session = text_of(*text),
            _ => {}
        }
    }
    // A component must not turn anybody into the operator.
    let role = role.filter(|role| role != OPERATOR)?;
    Some(Identity { id: id?.into(), role: role.into(), session: session.map(Into::into) })
}

fn text_of(value: Val) -> Option<String> {
    match value {
        Val::String(text) => Some(text),
        _ => None,
    }
}
