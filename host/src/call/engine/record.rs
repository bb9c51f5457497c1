//! The nested calls of one call, and their answers: a later run of the call gets the same answers.
//!
//! Invariant: while the runs of a call make the same nested calls, each of these is made once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::call::Call;
use super::seed::Seed;
use crate::call::reuse::Provenance;
use crate::contract::Function;
use crate::limits::NESTED_BYTES_MAX;
use crate::observe::reuse::NotCached;
use crate::runtime::json_bytes;

/// A nested call, and its answer.
#[derive(Debug)]
pub(in crate::call) struct NestedCall {
    pub(in crate::call::engine) seed: Seed,
    pub(in crate::call::engine) function: Arc<Function>,
    pub(in crate::call::engine) result: Option<Val>,
    /// The size of the result as JSON.
    bytes: usize,
    /// Whether the answer is in a commit, for a run after a crash.
    is_persisted: bool,
}

/// Why a nested call gave no result for its caller's component.
#[derive(Debug, thiserror::Error)]
pub(in crate::call::engine) enum NestedError {
    #[error("no service exports {interface}")]
    NoService { interface: Arc<str> },
    #[error("a read-only call must not call {function}, which may write")]
    ReadOnly { function: Arc<str> },
    #[error("the limit {name} = {max} was exceeded")]
    Limit { name: &'static str, max: usize },
    #[error(transparent)]
    Call { error: CallError },
}

impl From<CallError> for NestedError {
    fn from(error: CallError) -> Self {
        Self::Call { error }
    }
}

/// The record of one call. The call owns it, and its runs share it. A component without imports has none.
#[derive(Debug, Clone)]
pub(in crate::call::engine) struct NestedRecord(Option<Arc<Mutex<Recorded>>>);

#[derive(Debug)]
struct Recorded {
    /// The number of calls that the current run has made.
    position: usize,
    /// The calls of an earlier run, or of this one, in order. Empty for a call that runs only once.
    calls: Vec<NestedCall>,
    /// The error of the nested call that made the last run fail, if any.
    error: Option<NestedError>,
    /// What the answers of the calls depend on, of a run that only reads.
    below: Provenance,
    /// Whether a candidate repeats the call in shadow.
    is_observed: bool,
}

impl NestedRecord {
    pub(in crate::call::engine) fn of(call: &Call, is_observed: bool) -> Self {
        let recorded =
            Recorded { position: 0, calls: Vec::new(), error: None, below: Provenance::default(), is_observed };
        Self(call.backend.release.calls_others.then(|| Arc::new(Mutex::new(recorded))))
    }

    /// Whether the component makes no nested calls.
    pub(in crate::call::engine) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn with<T>(&self, operation: impl FnOnce(&mut Recorded) -> T) -> Option<T> {
        self.0.as_ref().map(|recorded| operation(&mut lock(recorded)))
    }

    /// The position of the next call of the current run.
    pub(in crate::call::engine) fn next_position(&self) -> usize {
        self.with(|recorded| {
            recorded.position += 1;
            recorded.position - 1
        })
        .unwrap_or(0)
    }

    /// Whether the current run has made nested calls.
    pub(in crate::call::engine) fn has_calls(&self) -> bool {
        self.with(|recorded| recorded.position > 0).unwrap_or(false)
    }

    /// Begins the next run.
    pub(in crate::call::engine) fn rewind(&self) {
        self.with(|recorded| recorded.position = 0);
    }

    /// The answer of an earlier run for this call. If the runs differ, the rest of the earlier one is dropped.
    pub(in crate::call::engine) fn replay(&self, position: usize, seed: &Seed) -> Option<Option<Val>> {
        self.with(|recorded| {
            let call = recorded.calls.get(position)?;
            if call.seed == *seed {
                return Some(call.result.clone());
            }
            recorded.calls.truncate(position);
            None
        })
        .flatten()
    }

    pub(in crate::call::engine) fn remember(
        &self,
        seed: Seed,
        function: &Arc<Function>,
        (result, is_persisted): (&Option<Val>, bool),
    ) -> Result<(), NestedError> {
        let remember = |recorded: &mut Recorded| {
            let before: usize = recorded.calls.iter().map(|call| call.bytes).sum();
            let left = NESTED_BYTES_MAX.saturating_sub(before);
            let bytes = result.as_ref().map_or(0, |value| json_bytes(value, left));
            if bytes > left {
                return Err(NestedError::Limit { name: "nested_bytes", max: NESTED_BYTES_MAX });
            }
            let (function, result) = (Arc::clone(function), result.clone());
            recorded.calls.push(NestedCall { seed, function, result, bytes, is_persisted });
            Ok(())
        };
        self.with(remember).unwrap_or(Ok(()))
    }

    /// Records a call of a read-only run, only for the shadow. Without room the run is not compared.
    pub(in crate::call::engine) fn observe(
        &self,
        position: usize,
        seed: Seed,
        function: &Arc<Function>,
        result: &Option<Val>,
    ) {
        let wanted = |recorded: &mut Recorded| recorded.is_observed && recorded.calls.len() == position;
        if self.with(wanted).unwrap_or(false) {
            let _no_room = self.remember(seed, function, (result, false));
        }
    }

    /// Adds what the answer of a call below depends on; `None` if that is not known.
    pub(in crate::call::engine) fn add_below(&self, provenance: Option<Provenance>) {
        self.with(|recorded| match provenance {
            Some(provenance) => recorded.below.add_below(Provenance { height: provenance.height + 1, ..provenance }),
            None => recorded.below.mark_uncacheable(NotCached::Unavailable),
        });
    }

    /// What the answers of the calls of the ended run depend on.
    pub(in crate::call::engine) fn take_below(&self) -> Provenance {
        self.with(|recorded| std::mem::take(&mut recorded.below)).unwrap_or_default()
    }

    /// The answers before `position` that are not in a commit yet.
    pub(in crate::call::engine) fn not_persisted(&self, position: usize) -> Vec<(Seed, Answer)> {
        let answers = |recorded: &mut Recorded| {
            let calls = recorded.calls.iter().take(position).filter(|call| !call.is_persisted);
            calls.map(|call| (call.seed, Answer::of(&call.function, call.result.clone()))).collect()
        };
        self.with(answers).unwrap_or_default()
    }

    /// Records that commits contain the answers before `position`.
    pub(in crate::call::engine) fn persisted(&self, position: usize) {
        let mark = |recorded: &mut Recorded| {
            recorded.calls.iter_mut().take(position).for_each(|call| call.is_persisted = true);
        };
        self.with(mark);
    }

    pub(in crate::call::engine) fn set_error(&self, error: NestedError) {
        self.with(|recorded| recorded.error = Some(error));
    }

    pub(in crate::call::engine) fn take_error(&self) -> Option<NestedError> {
        self.with(|recorded| recorded.error.take()).flatten()
    }

    /// The calls of the ended run; `None` when there were too many to record.
    pub(in crate::call::engine) fn take_calls(&self) -> Option<Vec<NestedCall>> {
        let take = |recorded: &mut Recorded| {
            let is_complete = recorded.calls.len() >= recorded.position;
            recorded.calls.truncate(recorded.position);
            is_complete.then(|| std::mem::take(&mut recorded.calls))
        };
        self.with(take).unwrap_or(Some(Vec::new()))
    }
}

fn lock(recorded: &Mutex<Recorded>) -> MutexGuard<'_, Recorded> {
    recorded.lock().unwrap_or_else(PoisonError::into_inner)
}
