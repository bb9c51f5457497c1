//! A change set: everything that one change does to the host. Every kind of change is one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::error::DeployError;
use super::super::judging::isolated::isolated_run;
use super::super::mirror::{Frozen, MirrorHandle};
use super::super::records::platform_store::{PlatformChange, PlatformError};
use super::super::records::record::{ChangeKind, NewEntry};
use super::super::records::state::{Running, State};
use crate::call::{IntentHold, LoadedRelease, Service};
use crate::limits::{ADOPT_PAUSE_MS_MAX, HANDOVER_HOLD_MS_MAX};
use crate::names::{Generation, ServiceName};
use crate::observe::error_chain;
use crate::store::Transaction;

/// The name in the history for changes that the host makes by itself.
pub(in crate::release) const HOST: &str = "host";

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
    /// An entry of a store that an operator changes by hand.
    pub(in crate::release) edited: Option<Transaction>,
}

/// Data that becomes that of a release in its swap.
#[derive(Debug)]
pub(in crate::release) struct Migration {
    pub(in crate::release) service: Arc<Service>,
    pub(in crate::release) release: Arc<LoadedRelease>,
    pub(in crate::release) generation: Generation,
    pub(in crate::release) work: MigrationWork,
    pub(in crate::release) to: u64,
    pub(in crate::release) pause_ms_max: u32,
    /// Whether calls of the service must wait meanwhile.
    pub(in crate::release) has_calls: bool,
}

/// What is done about the data.
#[derive(Debug)]
pub(in crate::release) enum MigrationWork {
    /// The release brings it from this version to its own.
    Migrate { from: u64 },
    /// There is none, and the store gets the version of the release.
    Adopt,
    /// It is a copy that a mirror completes. The release gets this generation.
    Handover(Arc<MirrorHandle>),
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
            edited: None,
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

    /// Checks that no change of a live release, and no removal, ends a mirror by the way.
    pub(in crate::release) fn keeps_mirrors(&self) -> Result<(), DeployError> {
        for (name, before) in &self.before.services {
            let (mirror, after) = (&before.record.mirror, self.after.services.get(name));
            let is_lost = match after {
                None => true,
                Some(after) => after.record.mirror == *mirror && after.record.live != before.record.live,
            };
            if mirror.is_some() && is_lost {
                return Err(DeployError::Mirrored { service: name.clone() });
            }
        }
        Ok(())
    }

    /// Adds a line for each trial that the change ends by the way, so that the history shows how every trial ended.
    pub(in crate::release) fn note_ended_trials(&mut self) {
        let is_end = |what: ChangeKind| {
            matches!(what, ChangeKind::Promote | ChangeKind::Abort | ChangeKind::TakenOut | ChangeKind::Replaced)
        };
        let mut ended = Vec::new();
        for (name, before) in &self.before.services {
            let Some(candidate) = &before.record.candidate else { continue };
            let after = self.after.services.get(name);
            let stays = after.and_then(|after| after.record.candidate.as_ref());
            let is_told = |event: &NewEntry| event.service.as_ref() == Some(name) && is_end(event.what);
            if stays.is_some_and(|stays| stays.release == candidate.release) || self.events.iter().any(is_told) {
                continue;
            }
            let by = self.events.iter().find(|event| event.service.as_ref() == Some(name)).or(self.events.first());
            let who = by.map_or(HOST, |event| &event.who);
            let to = stays.map(|stays| stays.release.digest).or(after.map(|after| after.record.live.digest));
            let reason = Some(match (stays, after) {
                (Some(_), _) => "a deploy of another candidate ended its trial".to_owned(),
                (None, Some(_)) => "a change of the live release, or of its settings, ended its trial".to_owned(),
                (None, None) => "its service was removed".to_owned(),
            });
            let from = Some(candidate.release.digest);
            ended.push(NewEntry { from, to, reason, ..NewEntry::new(who, name, ChangeKind::Replaced) });
        }
        // Before the line of the change itself, which is the newest.
        self.events.splice(0..0, ended);
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
    /// Makes a store without data one of the version that `release` writes.
    pub(in crate::release) fn adopt(
        service: &Arc<Service>,
        release: &Arc<LoadedRelease>,
        generation: Generation,
        to: u64,
        has_calls: bool,
    ) -> Self {
        Self {
            generation,
            service: Arc::clone(service),
            release: Arc::clone(release),
            work: MigrationWork::Adopt,
            to,
            pause_ms_max: ADOPT_PAUSE_MS_MAX,
            has_calls,
        }
    }

    /// The end of a handover: `mirror` completes the copy, and `release` runs on it.
    pub(in crate::release) fn handover(
        service: &Arc<Service>,
        release: &Arc<LoadedRelease>,
        mirror: Arc<MirrorHandle>,
        to: u64,
    ) -> Self {
        Self {
            generation: Generation::First,
            service: Arc::clone(service),
            release: Arc::clone(release),
            work: MigrationWork::Handover(mirror),
            to,
            pause_ms_max: HANDOVER_HOLD_MS_MAX,
            has_calls: true,
        }
    }

    /// Makes the data that of the release, in a transaction, which the caller commits before `deadline`; with the mirror that
    /// has completed a copy.
    pub(in crate::release) async fn run(
        &self,
        deadline: Instant,
    ) -> Result<(Transaction, Option<Frozen>), DeployError> {
        let (service, store) = (self.service.name(), self.service.store());
        let failed = |why| DeployError::Migration { service: service.clone(), why };
        match &self.work {
            MigrationWork::Migrate { from } => {
                let wait = Duration::from_millis(self.pause_ms_max.into());
                Ok((self.migrate(*from, wait).await.map_err(failed)?, None))
            }
            MigrationWork::Adopt if store.bytes_of(self.generation) == 0 => Ok((store.begin(), None)),
            MigrationWork::Adopt => Err(failed("its store is not empty any more: try again".into())),
            MigrationWork::Handover(mirror) => {
                let handover = |source| DeployError::Handover { service: service.clone(), source };
                let (transaction, frozen) = mirror.finish(deadline).await.map_err(handover)?;
                Ok((transaction, Some(frozen)))
            }
        }
    }

    /// Lets the release migrate its data. An error is the reason for a failure.
    async fn migrate(&self, from: u64, wait: Duration) -> Result<Transaction, String> {
        let store = self.service.store();
        let from = u32::try_from(from).map_err(|_| format!("no component migrates from version {from}"))?;
        let program = self.release.program.contract().ok_or("it has no contract, and so no data")?;
        let migrated = program.migrate(from, isolated_run(store.begin().in_generation(self.generation), wait)).await;
        migrated.result.map_err(|error| error_chain(&error))?;
        Ok(migrated.transaction)
    }
}
