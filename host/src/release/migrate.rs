//! A swap that changes the form of the data: calls wait while the component brings it to its version.
//!
//! Invariant: data of a version and the release that writes it go live together. The journal has the data with its
//! version, the ledger has said before which release that version is for: a crash between them is finished at the next
//! start, as the store says how far it came.

use std::time::Duration;

use super::Inner;
use super::data::DataStamp;
use super::deploy::running;
use super::error::DeployError;
use super::judge::Judged;
use super::record::{Event, ReleaseRecord, ServiceRecord};
use super::rehearse::{chain, seclusion};
use super::state::{Running, State};
use crate::call::{Hold, LoadedRelease, Service};
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::store::CommitDetails;

impl Inner {
    /// Migrates the data of the one of `judged` whose release writes another version, and makes `next` what runs, in
    /// which all of them are live.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; data and releases are as they were.
    pub(super) async fn migrate(&self, next: State, judged: &[Judged], events: Vec<Event>) -> Result<(), DeployError> {
        let state = self.state.load_full();
        let migrating: Vec<_> = judged.iter().filter(|judged| judged.needs_migration(&state)).collect();
        let [one] = migrating.as_slice() else { return Err(DeployError::SeveralMigrations) };
        let service = &one.verdict.service;
        let began = running(&state, service)?;
        let routing = next.routing()?;
        self.mark(service, &began.record, Some(&one.record))?;
        let first_held = clock::now();
        let migrated = self.migrate_held(one, began, service).await;
        match migrated {
            Ok(hold) => {
                // Its calls see the new data and the new release at once: the hold ends behind the swap. The data cannot
                // go back: should the ledger not take the change now, its mark has it taken at the next start.
                let recorded = self.record(&next, events);
                self.publish(next, routing, true);
                drop(hold);
                self.pauses.held(clock::elapsed(first_held));
                recorded
            }
            Err(error) => {
                self.pauses.held(clock::elapsed(first_held));
                // With the journal stopped it is not known whether the commit is durable: the next start knows.
                if !DataStamp::of(began.service.store()).is_by(&one.record) {
                    self.mark(service, &began.record, None)?;
                }
                Err(error)
            }
        }
    }

    /// Notes which release the data is being migrated for.
    pub(super) fn mark(
        &self,
        service: &ServiceName,
        record: &ServiceRecord,
        migrating: Option<&ReleaseRecord>,
    ) -> Result<(), DeployError> {
        let mut change = self.ledger.begin()?;
        change.service(service, &ServiceRecord { migrating: migrating.cloned(), ..record.clone() })?;
        change.commit()?;
        Ok(())
    }

    async fn migrate_held(
        &self,
        judged: &Judged,
        running: &Running,
        service: &ServiceName,
    ) -> Result<Hold, DeployError> {
        let pause_ms = u64::from(judged.data.pause_ms_max);
        let until = clock::now() + Duration::from_millis(pause_ms);
        let failed = |why: String| DeployError::Migration { service: service.clone(), why };
        let release = judged.release.as_ref().ok_or_else(|| failed("it cannot run".into()))?;
        let hold = self.calls.hold(until).await.ok_or(DeployError::NotQuiet { service: service.clone(), pause_ms })?;
        let from = running.record.oldest_data;
        let from = u32::try_from(from).map_err(|_| failed(format!("no component migrates from version {from}")))?;
        let left = until.saturating_duration_since(clock::now());
        let stamp = DataStamp::after(&judged.record, judged.data.version);
        commit_migration(&running.service, release, from, stamp, left).await.map_err(failed)?;
        Ok(hold)
    }
}

/// Has `release` bring the data from version `from` to its own, within `wait`, and waits until that is durable. An error
/// says why not, for the operator.
pub(super) async fn commit_migration(
    service: &Service,
    release: &LoadedRelease,
    from: u32,
    stamp: DataStamp,
    wait: Duration,
) -> Result<(), String> {
    let until = clock::now() + wait;
    let store = service.store();
    let seclusion = seclusion(store.begin(), wait);
    let call = CallId::of_seed(&seclusion.seed);
    let program = release.program.contract().ok_or("it has no contract, and so no data")?;
    let migrated = program.migrate(from, seclusion).await;
    migrated.result.map_err(|error| chain(&error))?;
    let commit = migrated.transaction.commit(CommitDetails { call, data_version: Some(stamp.bits()) });
    let number = match tokio::time::timeout_at(until.into(), commit).await {
        Ok(committed) => committed.map_err(|error| chain(&error))?,
        Err(_elapsed) => return Err("it was not committed in time".into()),
    };
    store.wait_durable(number).await.map_err(|stopped| stopped.to_string())
}
