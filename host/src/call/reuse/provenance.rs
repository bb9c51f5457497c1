//! What the answer of a reading call depends on, collected over its run and the calls below it.

use std::sync::Arc;

use super::dependency::Dependency;
use crate::limits::REUSE_DEPENDENCIES_MAX;
use crate::names::CommitSeq;
use crate::observe::reuse::NotCached;
use crate::runtime::Uses;

#[derive(Debug, Clone, Default)]
pub(in crate::call) struct Provenance {
    pub(in crate::call) uses: Uses,
    /// The last commit that was read and was not durable then.
    pub(in crate::call) saw: CommitSeq,
    /// The number of levels of calls below it.
    pub(in crate::call) height: usize,
    /// In the order in which they were read, so that they can be compared in the order of a run.
    pub(in crate::call) dependencies: Vec<Arc<Dependency>>,
    /// A reason outside of the run: no later call may get this answer.
    pub(in crate::call) uncacheable: Option<NotCached>,
}

impl Provenance {
    /// Adds what the calls below depend on.
    pub(in crate::call) fn add_below(&mut self, below: Self) {
        self.uses = self.uses.with_below(below.uses);
        self.saw = self.saw.max(below.saw);
        self.height = self.height.max(below.height);
        self.uncacheable = self.uncacheable.or(below.uncacheable);
        if self.dependencies.len() + below.dependencies.len() > REUSE_DEPENDENCIES_MAX {
            self.uncacheable = self.uncacheable.or(Some(NotCached::Large));
        } else {
            self.dependencies.extend(below.dependencies);
        }
    }

    /// Notes that no later call may get the answer.
    pub(in crate::call) fn mark_uncacheable(&mut self, cause: NotCached) {
        self.uncacheable = self.uncacheable.or(Some(cause));
    }

    /// Why no later call may get the answer, apart from the clock.
    pub(in crate::call) fn not_cached(&self) -> Option<NotCached> {
        let Uses { randomness, outside, log, shortage, .. } = self.uses;
        let of_uses = [
            (randomness, NotCached::Randomness),
            (outside, NotCached::Outside),
            (log, NotCached::Log),
            (shortage, NotCached::Shortage),
        ];
        self.uncacheable.or_else(|| of_uses.into_iter().find(|(used, _)| *used).map(|(_, cause)| cause))
    }
}
