//! What a root call and every call below it share: the releases it began with, who it is for, its time and randomness,
//! and whether what it does elsewhere would be finished after a crash.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use wasmtime::component::Val;

use super::answer::Answer;
use super::derive::Seed;
use super::intent::Intent;
use super::request_key::RequestKey;
use super::{HostCall, RootCall, RoutingTable};
use crate::contract::Function;
use crate::names::{CallId, CommitSeq, Identity, RequestId, ServiceName};
use crate::store::system::{ANSWER_EXPIRIES, ANSWERS, AgedCall, INTENTS, MEMOS, RowWrite};

#[derive(Debug)]
pub(super) struct Root {
    pub(super) table: Arc<RoutingTable>,
    pub(super) service: ServiceName,
    pub(super) function: Arc<Function>,
    pub(super) arguments: Arc<[Val]>,
    pub(super) identity: Option<Identity>,
    pub(super) calling_service: Option<ServiceName>,
    pub(super) request: RequestId,
    /// The client's key: under it the answer is kept.
    pub(super) key: Option<RequestKey>,
    /// What is committed with what the call writes.
    pub(super) entries: Vec<RowWrite>,
    pub(super) seed: Seed,
    pub(super) time_unix_micros: u64,
    /// Whether the call may have been made before: then there may be memos of the calls below it.
    pub(super) again: bool,
    /// Whether the host makes it again by itself, so that it needs no intent.
    pub(super) repeats: bool,
    intent_is_open: AtomicBool,
    /// How often a call below this one had an effect that stays when this one fails.
    effects: AtomicU64,
    /// The highest commit that this call, or one below it, made or saw.
    reached: AtomicU64,
}

impl Root {
    /// A call from outside.
    pub(super) fn new(table: Arc<RoutingTable>, call: RootCall, seed: Seed, time_unix_micros: u64) -> Self {
        Self {
            table,
            service: call.service,
            function: call.function,
            arguments: call.arguments.into(),
            identity: call.identity,
            calling_service: None,
            request: call.request,
            key: call.key,
            entries: Vec::new(),
            seed,
            time_unix_micros,
            again: false,
            repeats: false,
            intent_is_open: AtomicBool::new(false),
            effects: AtomicU64::new(0),
            reached: AtomicU64::new(0),
        }
    }

    /// A call of the host's own.
    pub(super) fn of_host(table: Arc<RoutingTable>, call: HostCall, seed: Seed, request: RequestId) -> Self {
        Self {
            table,
            service: call.service,
            function: call.function,
            arguments: call.arguments.into(),
            identity: None,
            calling_service: call.calling_service,
            request,
            key: None,
            entries: call.entries,
            seed,
            time_unix_micros: call.time_unix_micros,
            again: true,
            repeats: !call.intent,
            intent_is_open: AtomicBool::new(false),
            effects: AtomicU64::new(0),
            reached: AtomicU64::new(0),
        }
    }

    /// The call that `intent` is of, with what `function` is in `table`.
    pub(super) fn of_intent(
        intent: &Intent,
        table: Arc<RoutingTable>,
        function: Arc<Function>,
        arguments: Vec<Val>,
        request: RequestId,
        entries: Vec<RowWrite>,
    ) -> Self {
        Self {
            table,
            service: intent.service.clone(),
            function,
            arguments: arguments.into(),
            identity: intent.identity.clone(),
            calling_service: intent.calling_service.clone(),
            request,
            key: intent.key.clone(),
            entries,
            seed: intent.seed,
            time_unix_micros: intent.time_unix_micros,
            again: true,
            repeats: false,
            intent_is_open: AtomicBool::new(true),
            // Those of the runs before.
            effects: AtomicU64::new(1),
            reached: AtomicU64::new(0),
        }
    }

    pub(super) fn id(&self) -> CallId {
        CallId::of_seed(&self.seed)
    }

    pub(super) fn reach(&self, number: CommitSeq) {
        self.reached.fetch_max(number.0, Ordering::Relaxed);
    }

    pub(super) fn reached(&self) -> CommitSeq {
        CommitSeq(self.reached.load(Ordering::Relaxed))
    }

    pub(super) fn needs_intent(&self) -> bool {
        !self.repeats && !self.intent_is_open()
    }

    pub(super) fn intent_is_open(&self) -> bool {
        self.intent_is_open.load(Ordering::Relaxed)
    }

    pub(super) fn effects(&self) -> u64 {
        self.effects.load(Ordering::Relaxed)
    }

    pub(super) fn had_effect(&self) {
        self.effects.fetch_add(1, Ordering::Relaxed);
    }

    /// The key of the memo of the nested call with `seed`.
    pub(super) fn memo_key(&self, seed: &Seed) -> AgedCall {
        AgedCall { began_at: self.time_unix_micros, call: CallId::of_seed(seed) }
    }

    /// Keeps `answer` as the memo of the nested call with `seed`.
    pub(super) fn memo(&self, seed: &Seed, answer: &Answer) -> RowWrite {
        MEMOS.put(&self.memo_key(seed), answer.encode())
    }

    /// What opens the intent, for a commit in the store of the call's service.
    pub(super) fn opening(&self) -> RowWrite {
        INTENTS.put(&self.id(), Intent::of(self).encode())
    }

    pub(super) fn opened(&self) {
        self.intent_is_open.store(true, Ordering::Relaxed);
    }

    /// What is committed at the end of the call, whether it keeps what it wrote or not.
    pub(super) fn closing(&self, answer: &Answer) -> Vec<RowWrite> {
        let mut entries = Vec::new();
        if self.intent_is_open() {
            entries.push(INTENTS.delete(&self.id()));
        }
        entries.extend(self.remembering(answer));
        if answer.commits(&self.function) {
            entries.extend(self.entries.iter().cloned());
        }
        entries
    }

    /// What keeps the answer for the same request again.
    fn remembering(&self, answer: &Answer) -> Vec<RowWrite> {
        let Some(key) = self.key.as_ref().filter(|_| answer.is_kept(&self.function)) else { return Vec::new() };
        let expiry = AgedCall { began_at: self.time_unix_micros, call: key.id() };
        vec![ANSWERS.put(&key.id(), key.seal(&answer.encode())), ANSWER_EXPIRIES.put(&expiry, Vec::new())]
    }
}

/// Makes the seeds of root calls.
#[derive(Debug)]
pub(super) struct Entropy(Mutex<ChaCha12Rng>);

impl Entropy {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = Seed::default();
        getrandom::fill(&mut seed)?;
        Ok(Self(Mutex::new(ChaCha12Rng::from_seed(seed))))
    }

    #[cfg(any(test, feature = "fail-points"))]
    pub(super) fn draw_from(&self, seed: u64) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = ChaCha12Rng::seed_from_u64(seed);
    }

    pub(super) fn seed(&self) -> Seed {
        let mut seed = Seed::default();
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(&mut seed);
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_root_calls_have_one_seed() {
        let (one, other) = (Entropy::new(), Entropy::new());
        let seeds = [one, other].map(|entropy| entropy.expect("the system has randomness"));
        let seeds = seeds.iter().flat_map(|entropy| [entropy.seed(), entropy.seed()]);
        assert_eq!(seeds.collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
