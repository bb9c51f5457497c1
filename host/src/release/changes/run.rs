//! Runs a change set: every change of the host goes through here.
//!
//! Invariant: a change is one commit: its migrations, its records, its lines in the history and the stores that it
//! drops. An error before the commit leaves everything unchanged. After the commit there are no errors, only work that
//! is repeated until it succeeds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::error::DeployError;
use super::super::mirror::Frozen;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, Migration};
use crate::call::{Hold, Routing};
use crate::clock;
use crate::fail_point::fail_point;
use crate::names::{CallId, Digest, ServiceName};
use crate::observe::error_chain;
use crate::store::{CommitError, DropError, HostCommit, Stopped};
use crate::tasks::blocking;

/// The call id of a commit by the host.
pub(in crate::release) const NO_CALL: CallId = CallId([0; 16]);

/// A change that was committed.
struct Committed {
    /// Calls begin again when it is dropped.
    hold: Option<Hold>,
    routing: Option<Routing>,
    /// The number of the newest line of the history, if there is a new one.
    last_line: Option<u64>,
    durable: Result<(), Stopped>,
}

impl Releases {
    /// Brings the object store of the cluster that this node leads to the files that it needs: those from before the cluster
    /// come there, and those that an earlier leader left go. Changes wait for it, and calls do not.
    pub(crate) async fn share_files(&self) {
        let _changing = self.inner.changing.lock().await;
        let inner = Arc::clone(&self.inner);
        let shared = blocking(move || {
            inner.keep_contracts_shared();
            inner.keep_shared();
        });
        // A panic is logged, and the next change tries again.
        let _done = shared.await;
    }
}

impl Inner {
    /// Runs a change. The caller holds `changing`, and has checked that `set.before` is current.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; everything is unchanged. Only after [`DeployError::NotDurable`] the change has been made, and
    /// the next start shows whether it survives.
    pub(in crate::release) async fn run(&self, mut set: ChangeSet) -> Result<(), DeployError> {
        let began = clock::now();
        let committed = self.commit(&mut set).await;
        if !set.migrations.is_empty() {
            self.pauses.held(clock::elapsed(began));
        }
        match committed {
            Err(error) => {
                self.take_back_stores(&set.added);
                Err(error)
            }
            Ok(committed) => {
                let durable = committed.durable;
                set.after.last_line = committed.last_line.unwrap_or(set.before.last_line);
                self.publish(set, committed.routing);
                drop(committed.hold);
                durable?;
                self.keep_shared();
                Ok(())
            }
        }
    }

    /// Does all steps that may fail, and then commits.
    async fn commit(&self, set: &mut ChangeSet) -> Result<Committed, DeployError> {
        set.keeps_mirrors()?;
        set.note_ended_trials();
        self.prepare_nodes(set).await;
        let mut routing = None;
        if set.swaps {
            let next = set.after.routing()?.after(&self.calls.routing(), !set.migrations.is_empty());
            self.calls.prepare(&next);
            routing = Some(next);
        }
        let mut commit = HostCommit::default();
        let (hold, frozen) = self.migrate(set, &mut commit).await?;
        if let Some(edited) = set.edited.take() {
            commit.add(edited, None);
        }
        if let Some(intent) = &set.closed {
            commit.add(intent.closing(), None);
        }
        if let Some(store) = set.dropped.as_ref().and_then(|name| self.stores.kept_store(name)) {
            commit.drop_store(store);
        }
        let mut change = self.platform.begin();
        set.record(&mut change)?;
        let last_line = change.last_line();
        commit.add(change.into_transaction(), None);
        fail_point("release.before-commit");
        let number = commit.commit(NO_CALL).await.map_err(|error| refused(set, error))?;
        frozen.into_iter().for_each(Frozen::for_good);
        let durable = self.stores.wait_durable(number).await;
        fail_point("release.before-swap");
        Ok(Committed { hold, routing, last_line, durable })
    }

    /// Runs the migrations of `set`, while calls of the affected services wait.
    async fn migrate(
        &self,
        set: &ChangeSet,
        commit: &mut HostCommit,
    ) -> Result<(Option<Hold>, Vec<Frozen>), DeployError> {
        let waiting = set.migrations.iter().filter(|migration| migration.has_calls);
        let began = clock::now();
        let until = |migration: &Migration| began + Duration::from_millis(migration.pause_ms_max.into());
        let hold = match waiting.max_by_key(|migration| migration.pause_ms_max) {
            None => None,
            Some(longest) => {
                let pause_ms = longest.pause_ms_max.into();
                let hold = self.calls.hold(until(longest)).await;
                let service = longest.service.name().clone();
                Some(hold.ok_or(DeployError::NotQuiet { service, pause_ms })?)
            }
        };
        if !set.migrations.is_empty() {
            fail_point("release.after-hold");
        }
        let mut mirrors = Vec::new();
        for migration in &set.migrations {
            let (transaction, frozen) = migration.run(until(migration)).await?;
            commit.add(transaction, Some(migration.to));
            mirrors.extend(frozen);
        }
        Ok((hold, mirrors))
    }

    /// Makes a committed change visible to new calls, and does the work that follows from it.
    fn publish(&self, set: ChangeSet, routing: Option<Routing>) {
        let ChangeSet { before, after, dropped, closed, .. } = set;
        if let Some(routing) = routing {
            let began = clock::now();
            self.calls.swap(routing);
            self.pauses.moved(clock::elapsed(began));
        }
        for running in after.services.values() {
            let limits = running.settings.limits(&after.manifest.limits);
            running.service.store().set_bytes_max(limits.store_bytes_max);
        }
        for name in before.services.keys().filter(|name| !after.services.contains_key(*name)) {
            self.stores.detach(name);
        }
        if let Some(intent) = closed {
            intent.closed();
        }
        self.unfinished_drops().extend(dropped);
        self.state.store(Arc::new(after));
        self.finish_drops();
        self.sweep();
    }

    /// Removes the stores that were added for a change that was not committed.
    pub(in crate::release) fn take_back_stores(&self, added: &[(ServiceName, bool)]) {
        for (name, is_new) in added {
            self.stores.detach(name);
            if *is_new && let Err(error) = self.stores.drop_store(name) {
                tracing::warn!(service = %name, %error, "an empty store could not be removed; the next start \
                    removes it");
            }
        }
    }

    /// Deletes the files of dropped stores. If one cannot be deleted now, this is tried again.
    pub(in crate::release) fn finish_drops(&self) {
        let names = self.unfinished_drops().clone();
        for name in names {
            match self.stores.drop_store(&name) {
                Ok(()) | Err(DropError::Unknown { .. } | DropError::InUse { .. }) => {
                    self.unfinished_drops().remove(&name);
                }
                Err(error) => {
                    if self.log_limits.allows("the file of a dropped store could not be deleted") {
                        tracing::warn!(service = %name, %error, "the file of a dropped store could not be deleted; the \
                            host tries again")
                    }
                }
            }
        }
    }

    /// Deletes the components that no release needs any more.
    pub(in crate::release) fn sweep(&self) {
        if self.backup_runs.load(Ordering::Acquire) {
            // The next change deletes them.
            return;
        }
        let needed = self.needed_components();
        self.loader.components.sweep(|digest| needed.contains(digest));
        self.loader.runtime.set_named(|digest| needed.contains(digest));
    }

    /// Brings the object store of the cluster that this node leads to the contracts that releases and the settings need.
    fn keep_contracts_shared(&self) {
        if self.stores.leads() {
            let state = self.state.load();
            let releases = state.records().flat_map(|(_, record)| record.releases());
            let named = releases.filter_map(|release| release.contracts);
            self.loader.contracts.keep_shared(&named.chain(state.contracts.map(|applied| applied.digest)).collect());
        }
    }

    /// Brings the object store of the cluster that this node leads to the components that releases need. The caller holds
    /// `changing`, so that no other change stores one meanwhile.
    pub(in crate::release) fn keep_shared(&self) {
        if self.stores.leads() {
            self.loader.components.keep_shared(&self.needed_components());
        }
    }

    fn needed_components(&self) -> BTreeSet<Digest> {
        let state = self.state.load();
        state.records().flat_map(|(_, record)| record.releases()).map(|release| release.digest).collect()
    }
}

/// Why the commit of `set` was refused. Only the writes of a migration, and those of an operator, can exceed a store's
/// limit.
fn refused(set: &ChangeSet, error: CommitError) -> DeployError {
    let service = match &error {
        CommitError::Quota { service, .. } if !set.migrations.is_empty() => Some(service.clone()),
        CommitError::TooLarge { .. } => set.migrations.first().map(|migration| migration.service.name().clone()),
        _ => None,
    };
    match service {
        Some(service) => DeployError::Migration { service, why: error_chain(&error) },
        None => error.into(),
    }
}
