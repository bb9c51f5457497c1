//! Reuse in the path of a call: answers a reading call from the cache of its service, and caches what its run answered.
//!
//! Everything else about the call stays as it is. The answer of a reused call waits for the same commits as a run would,
//! and a nested call gives its caller what a run would give.

use std::sync::Arc;

use super::answer::Answer;
use super::call::{Call, Ended};
use crate::call::reuse::{AnswerKey, CachedAnswer, Dependency, Provenance};
use crate::clock;
use crate::contract::Reach;
use crate::limits::REUSE_READ_SET_BYTES_MAX;
use crate::observe::reuse::{Miss, NotCached};
use crate::runtime::{Uses, json_bytes};
use crate::store::{Transaction, Validity};

/// The room for a body of JSON with so many bytes by estimate: numbers may be longer than estimated.
fn body_room(estimated: usize) -> usize {
    estimated.saturating_mul(2).saturating_add(64)
}

impl Call {
    /// The key of its answer in the cache; `None` if the call runs in any case.
    pub(in crate::call::engine) fn answer_key(&self) -> Option<AnswerKey> {
        let (table, service) = (&self.root.table, &self.backend.service);
        let reuses =
            self.function.reads_only() && table.reuses() && service.limits.reuse && !table.compares(service.name());
        reuses.then(|| AnswerKey::new(&self.function, &self.arguments))
    }

    /// Its end with a cached answer, if there is one that a run would give too.
    pub(in crate::call::engine) fn reuse(&self, key: &AnswerKey) -> Option<Ended> {
        let answers = &self.backend.service.answers;
        let mut missed = Miss::New;
        for key in std::iter::once(*key).chain(answers.may_depend_on_callers().then(|| self.key_of_caller(key))) {
            let Some(cached) = answers.get(&key) else { continue };
            match self.check(&cached) {
                Ok(answer) => {
                    self.root.reach(cached.provenance.saw);
                    answers.metrics.hit();
                    // A root call has no caller whose answer depends on this one.
                    let provenance = (!self.is_root()).then(|| cached.provenance.clone());
                    return Some(Ended { answer, provenance, has_memo: false, cached: Some(cached), is_reused: true });
                }
                Err(why) => {
                    missed = why;
                    if matches!(why, Miss::Changed | Miss::Old | Miss::Expired) {
                        answers.remove(&key, &cached);
                    }
                }
            }
        }
        answers.metrics.missed(missed);
        None
    }

    fn key_of_caller(&self, key: &AnswerKey) -> AnswerKey {
        key.of_caller(self.root.details.identity.as_ref(), self.calling_service.as_ref())
    }

    /// The answer of `cached`, if a run that begins now would give it. Without its value, if the caller takes the body.
    fn check(&self, cached: &CachedAnswer) -> Result<Answer, Miss> {
        if !cached.is_for_depth(self.depth) {
            return Err(Miss::New);
        }
        if cached.until.is_some_and(|until| until <= clock::now()) {
            return Err(Miss::Expired);
        }
        // In the order of a run: it reads its own store first, and then those of the calls below.
        cached.provenance.dependencies.iter().try_for_each(|dependency| self.check_dependency(dependency))?;
        if self.is_root() && self.root.details.takes_body && cached.body().is_some() {
            return Ok(Answer::Ok(None));
        }
        Answer::decode(&self.function, &cached.answer).map_err(|_| Miss::Release)
    }

    fn check_dependency(&self, dependency: &Dependency) -> Result<(), Miss> {
        let table = &self.root.table;
        let backend = table.backend(&dependency.service).ok_or(Miss::Release)?;
        if backend.id() != dependency.backend || table.compares(&dependency.service) {
            return Err(Miss::Release);
        }
        if backend.release.circuit_is_open() {
            return Err(Miss::Circuit);
        }
        match dependency.validity(&backend.service.store) {
            Validity::Unchanged => Ok(()),
            Validity::Changed => Err(Miss::Changed),
            Validity::Unknown => Err(Miss::Old),
        }
    }

    /// What the answer of a reading run depends on: `below` is what those of the calls below do.
    pub(in crate::call::engine) fn provenance(
        &self,
        transaction: Transaction,
        uses: Uses,
        below: Provenance,
    ) -> Provenance {
        let (service, backend) = (self.backend.service.name().clone(), self.backend.id());
        let (data_version, saw) = (transaction.data_version(), transaction.saw());
        let reads = transaction.into_reads_within(REUSE_READ_SET_BYTES_MAX);
        let own = Dependency { service, backend, data_version, reads };
        let uncacheable = (!self.backend.service.limits.reuse).then_some(NotCached::Off);
        let mut provenance = Provenance { uses, saw, height: 0, dependencies: vec![Arc::new(own)], uncacheable };
        provenance.add_below(below);
        provenance
    }

    /// Caches the answer of a run under `key`, if later calls may get it.
    pub(in crate::call::engine) fn cache(&self, key: &AnswerKey, ended: &mut Ended) {
        let Some(provenance) = &ended.provenance else { return };
        let answers = &self.backend.service.answers;
        match self.cached(provenance, &ended.answer) {
            Ok(cached) => {
                let Uses { identity, calling_service, .. } = provenance.uses;
                let key = if identity || calling_service { self.key_of_caller(key) } else { *key };
                let cached = Arc::new(cached);
                if answers.insert(key, &cached) {
                    ended.cached = Some(cached);
                } else {
                    answers.metrics.not_cached(NotCached::Large);
                }
            }
            Err(cause) => answers.metrics.not_cached(cause),
        }
    }

    fn cached(&self, provenance: &Provenance, answer: &Answer) -> Result<CachedAnswer, NotCached> {
        if let Some(cause) = provenance.not_cached() {
            return Err(cause);
        }
        let age_max = self.backend.service.answers.authentication_age_max();
        let until = match self.function.reach {
            _ if !provenance.uses.clock => None,
            Reach::Authenticate if !age_max.is_zero() => Some(self.begun + age_max),
            _ => return Err(NotCached::Clock),
        };
        let body_bytes_max = match (&self.function.reach, answer) {
            (Reach::Http(_), Answer::Ok(Some(value))) if self.is_root() => {
                body_room(json_bytes(value, self.backend.service.limits.answer_bytes_max))
            }
            _ => 0,
        };
        Ok(CachedAnswer::new(answer.encode(), provenance.clone(), self.depth, until, body_bytes_max))
    }
}
