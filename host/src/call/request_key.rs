//! Requests that their client can make again: by its key, and who makes them one at a time.
//!
//! Invariant: of the requests with one key at most one runs, be it one that goes on after a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use wasmtime::component::Val;

use crate::names::CallId;
use crate::value::binary::{put_all, put_count, put_text};

/// What a client's `Idempotency-Key` comes to.
///
/// What is stored of it tells nothing of the key, the caller or the request: an answer may hold a secret, such as a
/// token, and is readable to who sends the whole request again, and nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestKey {
    id: [u8; 16],
    request: [u8; 32],
}

/// What a key is scoped to.
#[derive(Debug, Clone, Copy)]
pub struct RequestScope<'a> {
    /// The account; empty for nobody.
    pub caller: &'a str,
    /// Where the request comes from: counts for nobody's alone. What one guest was answered is no other guest's, however
    /// easy to guess the key is that both chose.
    pub client: &'a [u8],
    pub method: &'a str,
    pub path: &'a str,
}

/// The key stands for another request already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OtherRequest;

impl RequestKey {
    /// `arguments` are those of the call: a request with others is another one.
    #[must_use]
    pub fn new(scope: RequestScope<'_>, key: &str, arguments: &[Val]) -> Self {
        let mut bytes = Vec::with_capacity(512);
        for text in [scope.caller, scope.method, scope.path, key] {
            put_text(text, &mut bytes);
        }
        if scope.caller.is_empty() {
            put_count(scope.client.len(), &mut bytes);
            bytes.extend_from_slice(scope.client);
        }
        let [id, ..] = halves(&hash(b"request id", &bytes));
        put_all(arguments, &mut bytes);
        Self { id, request: hash(b"request", &bytes) }
    }

    pub(super) fn id(&self) -> CallId {
        CallId(self.id)
    }

    /// What tells this request from others with its key, without telling what it says.
    fn check(&self) -> [u8; 16] {
        let [check, ..] = halves(&hash(b"check", &self.request));
        check
    }

    /// `answer`, as it is stored.
    pub(super) fn seal(&self, answer: &[u8]) -> Bytes {
        let mut bytes = self.check().to_vec();
        bytes.extend(self.mask(answer));
        bytes.into()
    }

    /// The answer that was stored for the key.
    pub(super) fn open(&self, stored: &[u8]) -> Result<Vec<u8>, OtherRequest> {
        let (check, sealed) = stored.split_first_chunk().ok_or(OtherRequest)?;
        if *check == self.check() { Ok(self.mask(sealed)) } else { Err(OtherRequest) }
    }

    /// One answer at most is ever stored under the seed of this stream.
    fn mask(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = ChaCha12Rng::from_seed(hash(b"seal", &self.request));
        let mut masked = vec![0; bytes.len()];
        stream.fill_bytes(&mut masked);
        masked.iter_mut().zip(bytes).for_each(|(masked, byte)| *masked ^= byte);
        masked
    }
}

fn hash(purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([u8::try_from(purpose.len()).unwrap_or(u8::MAX)]);
    hash.update(purpose);
    hash.update(bytes);
    hash.finalize().into()
}

fn halves(hash: &[u8; 32]) -> [[u8; 16]; 2] {
    let (halves, _none) = hash.as_chunks::<16>();
    [0, 1].map(|half| halves.get(half).copied().unwrap_or_default())
}

/// The requests with a key that are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<HashMap<[u8; 16], Running>>>);

#[derive(Debug)]
struct Running {
    check: [u8; 16],
    ended: watch::Receiver<()>,
}

/// The right to run the request with a key, until it is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    id: [u8; 16],
    under_way: UnderWay,
    /// Dropped with the claim, which those who wait notice.
    _ended: watch::Sender<()>,
}

/// Whether a request may run.
pub(super) enum Claimed {
    Yes(Claim),
    /// The same request runs: wait until this changes, and look again.
    Running(watch::Receiver<()>),
}

impl UnderWay {
    pub(super) fn claim(&self, key: &RequestKey) -> Result<Claimed, OtherRequest> {
        let mut running = self.lock();
        if let Some(first) = running.get(&key.id) {
            let same = first.check == key.check();
            return if same { Ok(Claimed::Running(first.ended.clone())) } else { Err(OtherRequest) };
        }
        let (end, ended) = watch::channel(());
        running.insert(key.id, Running { check: key.check(), ended });
        Ok(Claimed::Yes(Claim { id: key.id, under_way: self.clone(), _ended: end }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.under_way.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: RequestScope<'_> =
        RequestScope { caller: "ann", client: b"home", method: "POST", path: "/carts/1/checkout" };

    fn key(scope: RequestScope<'_>, key: &str, argument: &str) -> RequestKey {
        RequestKey::new(scope, key, &[Val::String(argument.into())])
    }

    #[test]
    fn a_key_is_scoped_to_caller_method_and_path() {
        let first = key(SCOPE, "k", "a");
        let same = |other: RequestKey, id: bool, request: bool| {
            assert_eq!((first.id() == other.id(), first.check() == other.check()), (id, request), "{other:?}");
        };
        same(key(SCOPE, "k", "a"), true, true);
        same(key(SCOPE, "k", "b"), true, false);
        same(key(SCOPE, "l", "a"), false, false);
        same(key(RequestScope { caller: "bob", ..SCOPE }, "k", "a"), false, false);
        same(key(RequestScope { method: "PUT", ..SCOPE }, "k", "a"), false, false);
        same(key(RequestScope { path: "/carts/2/checkout", ..SCOPE }, "k", "a"), false, false);
        same(key(RequestScope { caller: "an", method: "nPOST", ..SCOPE }, "k", "a"), false, false);
        same(key(RequestScope { client: b"work", ..SCOPE }, "k", "a"), true, true);
    }

    #[test]
    fn the_key_of_one_guest_is_not_that_of_another() {
        let guest = |client| key(RequestScope { caller: "", client, ..SCOPE }, "1", "a");
        assert_eq!(guest(b"home"), guest(b"home"));
        assert_ne!(guest(b"home").id(), guest(b"work").id());
        assert!(guest(b"work").open(&guest(b"home").seal(b"the cart")).is_err());
    }

    #[test]
    fn an_answer_is_readable_to_the_same_request_alone() {
        let first = key(SCOPE, "k", "a");
        let stored = first.seal(b"the token");
        assert!(!stored.windows(5).any(|window| window == b"token"));
        assert_eq!(first.open(&stored), Ok(b"the token".to_vec()));
        assert_eq!(key(SCOPE, "k", "b").open(&stored), Err(OtherRequest));
        assert_eq!(first.open(b"short"), Err(OtherRequest));
    }

    #[test]
    fn one_of_many_runs_and_the_next_when_it_has_ended() {
        let under_way = UnderWay::default();
        let (first, other) = (key(SCOPE, "k", "a"), key(SCOPE, "k", "b"));
        let Ok(Claimed::Yes(claim)) = under_way.claim(&first) else { panic!("nobody runs") };
        let Ok(Claimed::Running(ended)) = under_way.claim(&first) else { panic!("one runs") };
        assert!(matches!(under_way.claim(&other), Err(OtherRequest)));
        assert!(ended.has_changed().is_ok(), "it has not ended");
        drop(claim);
        assert!(ended.has_changed().is_err(), "it has ended");
        assert!(matches!(under_way.claim(&other), Ok(Claimed::Yes(_))));
    }
}
