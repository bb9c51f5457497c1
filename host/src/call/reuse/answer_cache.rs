//! The cached answers of one service.
//!
//! Invariant: they take at most the share of the service. The answer that was used longest ago is evicted first.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;

use super::answer_key::AnswerKey;
use super::cached_answer::CachedAnswer;
use crate::names::ServiceName;
use crate::observe::reuse::ReuseMetrics;

/// The part of a service's share that one answer may take.
const PART_OF_SHARE: usize = 8;

/// The bounds of reuse in a host.
#[derive(Debug, Clone, Copy)]
pub struct ReuseBounds {
    /// The memory of all cached answers. All services have equal shares of it.
    pub bytes_max: usize,
    /// How long an answer of `authenticate` that depends on the time may be used.
    pub authentication_ms_max: u64,
}

pub(in crate::call) struct AnswerCache {
    answers: Mutex<Answers>,
    bytes_max: AtomicUsize,
    authentication_ms_max: AtomicU64,
    /// Whether any answer ever depended on its caller. If none did, nobody needs the key with the caller.
    depends_on_callers: AtomicBool,
    pub(in crate::call) metrics: ReuseMetrics,
}

struct Answers {
    by_key: LruCache<AnswerKey, Arc<CachedAnswer>>,
    bytes: usize,
}

impl AnswerCache {
    /// A cache without a share: see [`AnswerCache::set_bounds`].
    pub(in crate::call) fn new(service: &ServiceName) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(Answers { by_key: LruCache::unbounded(), bytes: 0 }),
            bytes_max: AtomicUsize::new(0),
            authentication_ms_max: AtomicU64::new(0),
            depends_on_callers: AtomicBool::new(false),
            metrics: ReuseMetrics::new(service),
        })
    }

    /// Sets the share of the service, one of `services` with equal ones, and the age of an `authenticate` answer.
    pub(in crate::call) fn set_bounds(&self, bounds: &ReuseBounds, services: usize) {
        let bytes_max = bounds.bytes_max / services.max(1);
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
        self.authentication_ms_max.store(bounds.authentication_ms_max, Ordering::Relaxed);
        self.evict(&mut self.lock(), bytes_max);
    }

    /// How long an answer of `authenticate` that depends on the time may be used.
    pub(in crate::call) fn authentication_age_max(&self) -> Duration {
        Duration::from_millis(self.authentication_ms_max.load(Ordering::Relaxed))
    }

    pub(in crate::call) fn get(&self, key: &AnswerKey) -> Option<Arc<CachedAnswer>> {
        self.lock().by_key.get(key).cloned()
    }

    /// Whether an answer may depend on its caller.
    pub(in crate::call) fn may_depend_on_callers(&self) -> bool {
        self.depends_on_callers.load(Ordering::Relaxed)
    }

    /// Caches `answer`, in place of an earlier one; false if it is too large.
    pub(in crate::call) fn insert(&self, key: AnswerKey, answer: &Arc<CachedAnswer>) -> bool {
        let (bytes, bytes_max) = (answer.bytes(), self.bytes_max.load(Ordering::Relaxed));
        if bytes > bytes_max / PART_OF_SHARE {
            return false;
        }
        if answer.provenance.uses.identity || answer.provenance.uses.calling_service {
            self.depends_on_callers.store(true, Ordering::Relaxed);
        }
        let mut answers = self.lock();
        if let Some((_, before)) = answers.by_key.push(key, Arc::clone(answer)) {
            answers.bytes -= before.bytes();
        }
        answers.bytes += bytes;
        self.evict(&mut answers, bytes_max);
        true
    }

    /// Removes `answer`, unless another one has taken its place.
    pub(in crate::call) fn remove(&self, key: &AnswerKey, answer: &Arc<CachedAnswer>) {
        let mut answers = self.lock();
        if answers.by_key.peek(key).is_some_and(|found| Arc::ptr_eq(found, answer)) {
            answers.by_key.pop(key);
            answers.bytes -= answer.bytes();
            self.metrics.set_bytes(answers.bytes);
        }
    }

    fn evict(&self, answers: &mut Answers, bytes_max: usize) {
        while answers.bytes > bytes_max
            && let Some((_, oldest)) = answers.by_key.pop_lru()
        {
            answers.bytes -= oldest.bytes();
            self.metrics.evicted();
        }
        self.metrics.set_bytes(answers.bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AnswerCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCache").field("bytes", &self.lock().bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
