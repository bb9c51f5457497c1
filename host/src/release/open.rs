//! The start: every service runs the releases in the platform's store, with the settings that were applied last. In a
//! new data directory the settings and the components of the manifest are applied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::changes::run::NO_CALL;
use super::judging::judge_input::mounts;
use super::loading::files::{FileKind, Files};
use super::loading::function_names::{check_function_names, check_functions};
use super::loading::loader::{LoadError, ReleaseLoader};
use super::loading::uploads::Uploads;
use super::mirror::Mirrors;
use super::open_error::OpenError;
use super::records::platform_store::{PlatformError, PlatformStore};
use super::records::record::{AppliedRecord, ServiceRecord};
use super::records::state::State;
use super::releases::{Inner, Releases};
use super::start::{Report, Role, Starter};
use crate::call::{Calls, ReuseBounds};
use crate::config::{AppliedSettings, Manifest, check_services};
use crate::contract::{World, check_together};
use crate::names::ServiceName;
use crate::observe::SwapPauses;
use crate::runtime::{COMPILED_FOLDER, Runtime, RuntimeError};
use crate::store::{HostCommit, Store, Stores};
use crate::tasks::Tasks;

impl Releases {
    /// Starts the services of the data directory `data` as they were applied last, or as in the manifest `configured`
    /// if nothing was applied yet.
    ///
    /// Blocks while components are compiled.
    ///
    /// # Errors
    ///
    /// [`OpenError`], with the next step.
    pub(crate) fn open(
        configured: &Manifest,
        data: &Path,
        runtime: Runtime,
        stores: &Stores,
        tasks: &Tasks,
        report: Report<'_>,
    ) -> Result<(Self, Calls), OpenError> {
        Self::open_as(Role::Writer, (configured, data), runtime, stores, tasks, report)
    }

    /// Like [`Releases::open`], on the stores of a node that follows: it runs what the leader has committed, and commits
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`OpenError::Unstarted`] until the leader has committed its services.
    pub(crate) fn open_replica(
        configured: &Manifest,
        data: &Path,
        runtime: Runtime,
        stores: &Stores,
        tasks: &Tasks,
    ) -> Result<(Self, Calls), OpenError> {
        Self::open_as(Role::Reader, (configured, data), runtime, stores, tasks, &|_| {})
    }

    fn open_as(
        role: Role,
        (configured, data): (&Manifest, &Path),
        runtime: Runtime,
        stores: &Stores,
        tasks: &Tasks,
        report: Report<'_>,
    ) -> Result<(Self, Calls), OpenError> {
        let handle = Handle::current();
        let platform = PlatformStore::new(stores.platform());
        let mut change = platform.begin();
        let (applied, recorded) = (platform.applied()?, platform.services()?);
        if role == Role::Reader && (applied.is_none() || platform.secret()?.is_none()) {
            return Err(OpenError::Unstarted);
        }
        let (tokens, secret) = (platform.tokens()?, change.secret()?);
        let manifest = &effective(configured, applied.as_ref())?;
        check_services(manifest).map_err(|mistakes| OpenError::Services { mistakes })?;
        let applied_contracts = applied.as_ref().and_then(|applied| applied.contracts);
        let files = |kind| Files::open(stores.disk(), stores.archive(), stores.objects(), kind);
        let (components, contracts) = (files(FileKind::Component)?, files(FileKind::Contracts)?);
        let loader = ReleaseLoader::new(runtime, tasks.clone(), components, contracts, manifest.host.wit.clone());
        loader.runtime.open_cache(&data.join(COMPILED_FOLDER), &secret)?;
        let releases = || recorded.iter().flat_map(|(_, record)| record.releases());
        loader.components.fetch_missing(&releases().map(|release| release.digest).collect());
        // Nothing uses contracts yet: those that no release was judged by can be deleted.
        let named = releases().filter_map(|release| release.contracts);
        let named: BTreeSet<_> = named.chain(applied_contracts.map(|applied| applied.digest)).collect();
        loader.contracts.fetch_missing(&named);
        loader.contracts.sweep(|digest| named.contains(digest));
        let used = use_stores(role, manifest, stores, &recorded)?;
        let starter = Starter {
            manifest,
            loader: &loader,
            stores: &used,
            tasks,
            recorded: &recorded,
            report,
            role,
            handle: handle.clone(),
        };
        let started = starter.start()?;
        let worlds: Vec<_> =
            started.iter().map(|(name, start)| (name.clone(), Arc::clone(&start.running.live.world))).collect();
        check_together(&worlds, &mounts(manifest))?;
        check_names(configured, worlds)?;

        let (mut commit, mut services) = (HostCommit::default(), BTreeMap::new());
        for (name, start) in started {
            if !start.events.is_empty() {
                change.service(&name, &start.running.record)?;
            }
            start.events.into_iter().try_for_each(|event| change.add_line(event))?;
            if let Some((transaction, version)) = start.migrated {
                commit.add(transaction, Some(version));
            }
            services.insert(name, start.running);
        }
        let removed: BTreeMap<_, _> = recorded.into_iter().filter(|(name, _)| !services.contains_key(name)).collect();
        for (name, running) in &services {
            loader.warn_of_missing(name, &running.record.kept);
        }
        for (name, record) in &removed {
            loader.warn_of_missing(name, record.releases());
        }
        let last_line = change.last_line().map_or_else(|| platform.last_line(), Ok)?;
        let (manifest_now, tokens) = (Arc::new(manifest.clone()), tokens.into());
        let contracts = applied_contracts;
        let state = State { manifest: manifest_now, contracts, services, removed, last_line, tokens };
        if applied.is_none() {
            change.apply(&state.applied())?;
        }
        let routing = state.routing()?;
        if role == Role::Reader && (change.changes_anything() || !commit.is_empty()) {
            return Err(OpenError::Unstarted);
        }
        if change.changes_anything() {
            commit.add(change.into_transaction(), None);
            let number = futures::executor::block_on(commit.commit(NO_CALL))?;
            futures::executor::block_on(stores.wait_durable(number))?;
        }
        let reuse = ReuseBounds {
            bytes_max: manifest.runtime.reuse_bytes_max,
            authentication_ms_max: manifest.gateway.authentication_cache_ms_max,
        };
        let calls = Calls::new(
            routing,
            manifest.runtime.instances_max,
            stores.clone(),
            tasks.clone(),
            reuse,
            manifest.retries.clone(),
            secret,
        )?;
        let inner = Arc::new(Inner {
            mirrors: Mirrors::start().map_err(|source| RuntimeError::Thread { source })?,
            data: data.into(),
            loader,
            platform,
            calls: calls.clone(),
            stores: stores.clone(),
            tasks: tasks.clone(),
            state: ArcSwap::from_pointee(state),
            uploads: Uploads::default(),
            pinned: Default::default(),
            pauses: SwapPauses::new(),
            backup_runs: Default::default(),
            unfinished_drops: Default::default(),
            log_limits: Default::default(),
            prepare: Default::default(),
            changing: Mutex::default(),
        });
        inner.sweep();
        Ok((Releases { inner }, calls))
    }
}

/// Checks the functions in `configured` against the contracts of the releases that run, or against those in the folder of
/// contracts, which may be newer: the next apply uses them.
fn check_names(configured: &Manifest, live: Vec<(ServiceName, Arc<World>)>) -> Result<(), LoadError> {
    let live = live.into_iter().collect();
    check_function_names(configured, &live).or_else(|error| {
        check_functions(configured).map_err(|_| error)?;
        tracing::warn!("the manifest names functions that no release has yet: run `switchyard apply` to apply it");
        Ok(())
    })
}

/// `configured` with the applied settings. Logs the differences.
fn effective(configured: &Manifest, applied: Option<&AppliedRecord>) -> Result<Manifest, PlatformError> {
    let Some(AppliedRecord { settings, .. }) = applied else { return Ok(configured.clone()) };
    let manifest = settings.over(configured).map_err(|source| PlatformError::Applied { source })?;
    let differences = AppliedSettings::of(&manifest).differences(&AppliedSettings::of(configured));
    if !differences.is_empty() {
        let settings = differences.join(", ");
        tracing::warn!(settings, "the manifest differs from the applied settings: run `switchyard apply` to apply it");
    }
    Ok(manifest)
}

/// Opens the stores of the manifest's services, and creates missing ones. If the records know a store that does not
/// exist, it was lost. An empty store that they do not know was added for a change that was not committed.
fn use_stores(
    role: Role,
    manifest: &Manifest,
    stores: &Stores,
    recorded: &[(ServiceName, ServiceRecord)],
) -> Result<BTreeMap<ServiceName, Store>, OpenError> {
    for (name, _) in recorded {
        if stores.kept_store(name).is_none() && stores.service(name).is_none() {
            return Err(OpenError::StoreMissing { service: name.clone(), path: stores.path(name) });
        }
    }
    let is_used = |name: &ServiceName| *name == ServiceName::platform() || manifest.services.contains_key(name);
    for store in stores.all().iter().filter(|store| !is_used(store.name())) {
        // This node has read from it before its service was removed.
        stores.detach(store.name());
    }
    let mut used = BTreeMap::new();
    for (name, settings) in &manifest.services {
        let bytes_max = settings.limits(&manifest.limits).store_bytes_max;
        let store = match stores.service(name) {
            // This node has read from it while it followed.
            Some(store) => store,
            None => stores.add(name, bytes_max)?,
        };
        store.set_bytes_max(bytes_max);
        used.insert(name.clone(), store);
    }
    if role == Role::Reader {
        return Ok(used);
    }
    for service in stores.unused().into_iter().filter(crate::store::UnusedStore::is_empty).map(|kept| kept.service) {
        if recorded.iter().all(|(name, _)| *name != service) {
            stores.drop_store(&service).map_err(|source| OpenError::Drop { service, source })?;
        }
    }
    Ok(used)
}
