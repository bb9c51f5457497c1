//! Which turns a call takes before its runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::timeout_at;

use super::answer::CallError;
use super::call::Call;
use super::commit::Conflict;
use super::record::NestedRecord;
use crate::call::routing::turns::HeldTurns;

impl Call {
    /// The keys whose turns it takes before its first run.
    pub(super) fn expected_keys(&self) -> BTreeSet<Arc<str>> {
        match self.read_only || self.exclusive.is_some() {
            true => BTreeSet::new(),
            false => self.backend.service.turns.expected(&self.function, &self.arguments),
        }
    }

    pub(super) async fn take_turns(&self, keys: &BTreeSet<Arc<str>>) -> Result<HeldTurns, CallError> {
        if keys.is_empty() {
            return Ok(HeldTurns::default());
        }
        let service = &self.backend.service;
        let turns = timeout_at(self.deadline.into(), service.turns.take(keys, &service.calls)).await;
        turns.map_err(|_elapsed| self.deadline_passed())
    }

    /// The key whose turn it takes before its next run. Calls of its kind will wait for their turn, unless they call other
    /// services: such a run may take long, and the next one is short, because it gets the same answers.
    pub(super) fn lost_key(&self, conflict: Conflict, record: &NestedRecord) -> Option<Arc<str>> {
        let (key, turns) = (conflict.read?, &self.backend.service.turns);
        match record.has_calls() {
            true => turns.lost(&key),
            false => turns.expect(&self.function, &self.arguments, &key),
        }
        Some(key)
    }
}
