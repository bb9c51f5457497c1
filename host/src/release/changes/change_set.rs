//! A change set: everything that one change does to the host. Every kind of change is one.

use std::sync::Arc;
use std::time::Duration;

use super::super::judging::isolated::{chain, isolated_run};
use super::super::records::platform_store::{PlatformChange, PlatformError};
use super::super::records::record::NewEntry;
use super::super::records::state::{Running, State};
use crate::call::{IntentHold, LoadedRelease, Service};
use crate::names::ServiceName;
use crate::store::Transaction;

/// Everything that one change does to the host.
#[derive(Debug)]
pub(in crate::release) struct ChangeSet {
    pub(in crate::release) before: Arc<State>,
    pub(in crate::release) after: State,
    /// Whether new calls get other releases, services or settings than before.
    pub(in crate::release) swaps: bool,
    pub(in crate::release) events: Vec<NewEntry>,
    pub(in crate::release) migrations: Vec<Migration>,
    /// Stores that were added for it, and whether each is new.
    pub(in crate::release) added: Vec<(ServiceName, bool)>,
    /// A service whose store is dropped.
    pub(in crate::release) dropped: Option<ServiceName>,
    /// An intent that is closed.
    pub(in crate::release) closed: Option<IntentHold>,
}

/// A migration of data to the version that a release writes.
#[derive(Debug)]
pub(in crate::release) struct Migration {
    pub(in crate::release) service: Arc<Service>,
    pub(in crate::release) release: Arc<LoadedRelease>,
    pub(in crate::release) from: u64,
    pub(in crate::release) to: u32,
    pub(in crate::release) pause_ms_max: u32,
    /// Whether calls of the service must wait meanwhile.
    pub(in crate::release) has_calls: bool,
}

impl ChangeSet {
    /// A change of the releases, services or settings that calls use.
    pub(in crate::release) fn swap(before: &Arc<State>, after: State, events: Vec<NewEntry>) -> Self {
        Self { after, swaps: true, ..Self::note(before, events) }
    }

    /// A change that only adds lines to the history.
    pub(in crate::release) fn note(before: &Arc<State>, events: Vec<NewEntry>) -> Self {
        Self {
            before: Arc::clone(before),
            after: State::clone(before),
            swaps: false,
            events,
            migrations: Vec::new(),
            added: Vec::new(),
            dropped: None,
            closed: None,
        }
    }

    /// A change of one service.
    pub(in crate::release) fn of_one(
        before: &Arc<State>,
        name: &ServiceName,
        running: Running,
        event: NewEntry,
    ) -> Self {
        let mut after = State::clone(before);
        after.services.insert(name.clone(), running);
        Self::swap(before, after, vec![event])
    }

    /// Writes the differences between the two states, and the lines of the history.
    pub(in crate::release) fn record(&mut self, change: &mut PlatformChange) -> Result<(), PlatformError> {
        let Self { before, after, events, .. } = self;
        let applied = after.applied();
        if applied != before.applied() {
            change.apply(&applied)?;
        }
        for (name, record) in after.records() {
            if before.record(name) != Some(record) {
                change.service(name, record)?;
            }
        }
        for (name, _) in before.records().filter(|(name, _)| after.record(name).is_none()) {
            change.remove_service(name)?;
        }
        for token in after.tokens.iter().filter(|token| !before.tokens.contains(token)) {
            change.token(token)?;
        }
        let is_revoked = |name: &String| after.tokens.iter().all(|token| token.name != *name);
        for token in before.tokens.iter().filter(|token| is_revoked(&token.name)) {
            change.remove_token(&token.name)?;
        }
        std::mem::take(events).into_iter().try_for_each(|event| change.add_line(event))
    }
}

impl Migration {
    /// Lets the release migrate its data in a transaction, which the caller commits. An error is the reason for a
    /// failure.
    pub(in crate::release) async fn run(&self, wait: Duration) -> Result<Transaction, String> {
        let from = u32::try_from(self.from).map_err(|_| format!("no component migrates from version {}", self.from))?;
        let program = self.release.program.contract().ok_or("it has no contract, and so no data")?;
        let migrated = program.migrate(from, isolated_run(self.service.store().begin(), wait)).await;
        migrated.result.map_err(|error| chain(&error))?;
        Ok(migrated.transaction)
    }
}
