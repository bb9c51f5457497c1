//! A swap that changes the form of the data: calls wait while the component brings it to its version.
//!
//! Invariant: data of a version and the release that writes it go live together. The journal has the data with its
//! version, the ledger has said before which release that version is for: a crash between them is finished at the next
//! start, as the store says how far it came.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Inner;
use super::deploy::{Plan, live, running, swapped};
use super::error::DeployError;
use super::judge::{Judged, chain, seclusion};
use super::record::{ReleaseRecord, ServiceRecord};
use super::state::{Running, State};
use super::tokens::Holder;
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::store::CommitDetails;

impl Inner {
    /// Migrates the data of the one of `judged` whose release writes another version, and makes all of them live.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; data and releases are as they were.
    pub(super) async fn migrate(
        &self,
        who: &Holder,
        state: &Arc<State>,
        judged: &[Judged],
        plan: &Plan,
    ) -> Result<(), DeployError> {
        let migrating: Vec<_> = judged.iter().filter(|judged| judged.needs_migration(state)).collect();
        let [one] = migrating.as_slice() else { return Err(DeployError::SeveralMigrations) };
        let service = &one.verdict.service;
        let began = running(state, service)?;
        self.mark(service, began, Some(&one.record))?;
        let migrated = self.migrate_held(one, began, service).await;
        match migrated {
            Ok(hold) => {
                // Its calls see the new data and the new release at once: the hold ends behind the swap.
                let made = self.make(live(state, judged), true, swapped(who, state, judged, plan));
                drop(hold);
                made
            }
            Err(error) => {
                self.mark(service, began, None)?;
                Err(error)
            }
        }
    }

    /// Notes which release the data is being migrated for.
    fn mark(
        &self,
        service: &ServiceName,
        running: &Running,
        migrating: Option<&ReleaseRecord>,
    ) -> Result<(), DeployError> {
        let mut change = self.ledger.begin()?;
        change.service(service, &ServiceRecord { migrating: migrating.cloned(), ..running.record.clone() })?;
        change.commit()?;
        Ok(())
    }

    async fn migrate_held(
        &self,
        judged: &Judged,
        running: &Running,
        service: &ServiceName,
    ) -> Result<crate::call::Hold, DeployError> {
        let pause_ms = u64::from(judged.data.pause_ms_max);
        let until = clock::now() + Duration::from_millis(pause_ms);
        let failed = |why: String| DeployError::Migration { service: service.clone(), why };
        let release = judged.release.as_ref().ok_or_else(|| failed("it cannot run".into()))?;
        let hold = self.calls.hold(until).await.ok_or(DeployError::NotQuiet { service: service.clone(), pause_ms })?;
        let store = running.service.store();
        let from = u32::try_from(store.data_version()).map_err(|_| failed("its data has no such version".into()))?;
        let left = until.saturating_duration_since(clock::now());
        let seclusion = seclusion(store.begin(), left);
        let call = CallId::of_seed(&seclusion.seed);
        let migrated = release.program.migrate(from, seclusion).await;
        migrated.result.map_err(|error| failed(chain(&error)))?;
        let details = CommitDetails { call, memo: None, data_version: Some(judged.data.version.into()) };
        let number = commit_before(until, migrated.transaction.commit(details)).await.map_err(failed)?;
        store.wait_durable(number).await.map_err(|stopped| failed(stopped.to_string()))?;
        Ok(hold)
    }
}

async fn commit_before<E: std::error::Error + 'static>(
    until: Instant,
    commit: impl Future<Output = Result<crate::names::Number, E>>,
) -> Result<crate::names::Number, String> {
    match tokio::time::timeout_at(until.into(), commit).await {
        Ok(Ok(number)) => Ok(number),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_elapsed) => Err("it was not committed in time".into()),
    }
}
