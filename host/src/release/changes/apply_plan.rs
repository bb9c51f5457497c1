//! The plan of an apply: the differences, the input of the judgement, and the state afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::error::DeployError;
use super::super::judging::judge::Judged;
use super::super::judging::judge_input::{JudgeInput, Proposal, ServiceContext, around, mounts};
use super::super::loading::function_limits::check_function_limits;
use super::super::loading::function_names::check_function_names;
use super::super::records::record::{AppliedContracts, ChangeKind, NewEntry, ReleaseRecord, ServiceRecord};
use super::super::records::state::{Running, State};
use super::super::records::stored_data::StoredData;
use super::super::records::token::Holder;
use super::super::releases::Inner;
use super::change_set::Migration;
use super::compare::{Comparison, Difference, Differs, Present, ServiceAction, Serving, Target};
use super::compare::{check_imports, check_kinds, compare, effective};
use super::deploy::Plan;
use crate::call::Service;
use crate::config::{LimitOverrides, Manifest, ServiceSettings, Signature, check_services};
use crate::contract::{Contracts, Sources, World};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::{Digest, Generation, ServiceName};
use crate::store::Store;

/// The wanted state of a host.
#[derive(Debug)]
pub struct Wanted {
    /// The files that it names are not read.
    pub manifest: Manifest,
    /// A service without an entry keeps its component.
    pub components: BTreeMap<ServiceName, Digest>,
    /// Without a value, the current contracts stay.
    pub contracts: Option<Sources>,
    pub reason: Option<String>,
    pub signatures: BTreeMap<ServiceName, Signature>,
    /// Whether the components of the manifest replace releases that were deployed after the last apply.
    pub reset_releases: bool,
    /// The services that it is about.
    pub scope: Scope,
}

/// The services that an apply is about. All others stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    All,
    /// Adds this service of the manifest, or changes it.
    Add(ServiceName),
    Remove(ServiceName),
}

/// The plan that brings the host to the wanted state.
#[derive(Debug)]
pub(in crate::release) struct ApplyPlan {
    pub(in crate::release) comparison: Comparison,
    /// The manifest that is in effect afterwards.
    pub(in crate::release) manifest: Manifest,
    pub(in crate::release) contracts: AppliedContracts,
    /// Components that the host does not have.
    pub(in crate::release) missing: Vec<Digest>,
    /// The components that the manifest names for running services.
    pub(in crate::release) applied: BTreeMap<ServiceName, Digest>,
    /// The services that it adds.
    pub(in crate::release) added_services: BTreeMap<ServiceName, AddedService>,
}

/// A service to add.
#[derive(Debug)]
pub(in crate::release) struct AddedService {
    /// Its releases from before it was removed.
    pub(in crate::release) earlier: Option<ServiceRecord>,
    /// The lowest version of the data in its store.
    pub(in crate::release) oldest_data: u64,
    pub(in crate::release) generation: Generation,
    pub(in crate::release) store_bytes_max: u64,
}

/// The input of the judgement for a plan.
#[derive(Debug)]
pub(in crate::release) struct JudgeRequest {
    pub(in crate::release) input: JudgeInput,
    pub(in crate::release) proposals: Vec<Proposal>,
}

impl Inner {
    /// Plans the apply that brings `state` to `wanted`. Blocks.
    pub(in crate::release) fn plan_apply(
        &self,
        state: &State,
        wanted: &Wanted,
    ) -> Result<(ApplyPlan, JudgeRequest), DeployError> {
        let (contracts, read) = match &wanted.contracts {
            // The contracts of other services must not change by the way.
            Some(sources) if wanted.scope != Scope::All => {
                self.loader.extended_contracts(state.contracts, sources.clone())?
            }
            Some(sources) => self.loader.keep_contracts(sources.clone())?,
            None => self.loader.current_contracts(state.contracts)?,
        };
        let target = wanted.manifest_over(state)?;
        check_kinds(&state.manifest, &target)?;
        let manifest = effective(&state.manifest, &target);
        check_services(&manifest).map_err(|mistakes| DeployError::Services { mistakes })?;
        let Components { components, kept, applied } = components(state, wanted, &target)?;
        let worlds = self.worlds(&manifest, &read)?;
        check_function_names(&wanted.manifest, &worlds)?;
        let present = Present {
            manifest: &state.manifest,
            services: state.services.iter().map(|(name, running)| (name, serving(running))).collect(),
            removed: state.removed.iter().map(|(name, record)| (name, &record.live)).collect(),
        };
        let target = Target { manifest: &target, components: &components, worlds: &worlds };
        check_imports(&present, &target)?;
        let mut comparison = compare(&present, &target);
        comparison.differences.extend(kept);
        let (missing, added_services) = Default::default();
        let (judged_by, contracts) = ((contracts, read), self.loader.applied_contracts(contracts));
        let mut draft = ApplyPlan { comparison, manifest, contracts, missing, applied, added_services };
        let request = self.judge_request(state, wanted, &components, judged_by, &mut draft)?;
        Ok((draft, request))
    }

    /// The contracts of all wanted services. Each has the functions to which the manifest gives slots.
    fn worlds(
        &self,
        manifest: &Manifest,
        contracts: &Contracts,
    ) -> Result<BTreeMap<ServiceName, Arc<World>>, DeployError> {
        let contracts_of =
            manifest.services.iter().filter_map(|(name, settings)| Some((name, settings, settings.contract.as_ref()?)));
        let worlds = contracts_of.map(|(name, settings, contract)| {
            let world = self.loader.world(contracts, name, contract)?;
            check_function_limits(name, settings, &world)?;
            Ok((name.clone(), world))
        });
        worlds.collect()
    }

    fn judge_request(
        &self,
        state: &State,
        wanted: &Wanted,
        components: &BTreeMap<ServiceName, Digest>,
        contracts: (Digest, Arc<Contracts>),
        draft: &mut ApplyPlan,
    ) -> Result<JudgeRequest, DeployError> {
        let (around, mounts) = (around(state), mounts(&draft.manifest));
        let mut input = JudgeInput { contracts, around, mounts, contexts: BTreeMap::new() };
        let mut proposals = Vec::new();
        for (name, action) in draft.comparison.actions.clone() {
            match action {
                ServiceAction::Beside => continue,
                ServiceAction::Remove => {
                    input.around.remove(&name);
                    continue;
                }
                ServiceAction::Bounds | ServiceAction::Configure | ServiceAction::Deploy | ServiceAction::Add => {}
            }
            let Some(settings) = draft.manifest.services.get(&name).cloned() else { continue };
            let context = match state.services.get(&name) {
                Some(running) => context(running, settings, &draft.manifest),
                None => self.added_service(state, &name, settings, draft),
            };
            input.contexts.insert(name.clone(), context);
            let Some(digest) = components.get(&name) else { continue };
            match self.component(digest) {
                Ok(component) => {
                    let signature = wanted.signatures.get(&name).copied();
                    proposals.push(Proposal { service: name, component, signature });
                }
                Err(DeployError::NoComponent) => draft.missing.push(*digest),
                Err(error) => return Err(error),
            }
        }
        draft.missing.sort_unstable();
        draft.missing.dedup();
        Ok(JudgeRequest { input, proposals })
    }

    /// The context of a service to add, which may have existed before.
    fn added_service(
        &self,
        state: &State,
        name: &ServiceName,
        settings: ServiceSettings,
        draft: &mut ApplyPlan,
    ) -> ServiceContext {
        let store = self.stores.kept_store(name);
        // A release of the other kind of service (mounted or with a contract) cannot come back.
        let is_such = |record: &&ServiceRecord| record.live.contracts.is_some() == settings.contract.is_some();
        let earlier = state.removed.get(name).filter(is_such).cloned();
        let limits = settings.limits(&draft.manifest.limits);
        // Without earlier releases, the store itself has the version of its data.
        let data = store.as_ref().map(|store| match &earlier {
            Some(earlier) => StoredData::of(store, earlier),
            None => StoredData::without_release(store),
        });
        let data = data.unwrap_or_default();
        let granted = earlier.as_ref().map(|earlier| earlier.live.granted.clone()).unwrap_or_default();
        let (last, signed) = earlier.as_ref().map_or((0, 0), |earlier| (earlier.last, earlier.signed));
        let added = AddedService {
            earlier,
            oldest_data: data.oldest,
            generation: data.generation,
            store_bytes_max: limits.store_bytes_max,
        };
        draft.added_services.insert(name.clone(), added);
        ServiceContext { settings, limits, granted, last, signed, live: None, store, data }
    }
}

impl ApplyPlan {
    /// Whether it changes anything now. Some differences need a restart, and others are only told.
    pub(in crate::release) fn changes_anything(&self, state: &State) -> bool {
        let is_change = |difference: &Difference| !matches!(difference.what, Differs::Restart | Differs::Keeps);
        self.comparison.differences.iter().any(is_change)
            || self.applied.iter().any(|(name, digest)| {
                state.services.get(name).is_some_and(|running| running.record.applied != Some(*digest))
            })
    }

    /// The state after the apply, with the `stores` of the added services, and the migrations that lead to it.
    pub(in crate::release) fn after(
        &self,
        state: &State,
        judged: &[Judged],
        stores: &BTreeMap<ServiceName, Store>,
    ) -> (State, Vec<Migration>) {
        let (manifest, contracts) = (Arc::new(self.manifest.clone()), Some(self.contracts));
        let mut after = State { manifest, contracts, ..state.clone() };
        let mut migrations = Vec::new();
        for (name, running) in &mut after.services {
            if let Some(settings) = self.manifest.services.get(name) {
                running.settings = settings.clone();
            }
        }
        for name in
            self.comparison.actions.iter().filter(|(_, action)| **action == ServiceAction::Remove).map(|(name, _)| name)
        {
            if let Some(running) = after.services.remove(name) {
                after.removed.insert(name.clone(), ServiceRecord { candidate: None, ..running.record });
            }
        }
        for judged in judged {
            let name = &judged.verdict.service;
            let changed = match after.services.get(name) {
                Some(running) => self.changed(state, running, judged),
                None => stores.get(name).and_then(|store| self.added(judged, store)),
            };
            if let Some((running, migration)) = changed {
                after.removed.remove(name);
                after.services.insert(name.clone(), running);
                migrations.extend(migration);
            }
        }
        for (name, digest) in &self.applied {
            if let Some(running) = after.services.get_mut(name) {
                running.record.applied = Some(*digest);
            }
        }
        (after, migrations)
    }

    /// A service that continues with the judged release.
    fn changed(&self, state: &State, running: &Running, judged: &Judged) -> Option<(Running, Option<Migration>)> {
        let (name, release) = (&judged.verdict.service, judged.release.clone()?);
        let limits = running.settings.limits(&self.manifest.limits);
        let service = match limits == *running.service.limits() {
            true => Arc::clone(&running.service),
            false => Arc::new(running.service.within(limits)),
        };
        let running = Running { service, ..running.clone() };
        if let Some(migration) = judged.migration(state) {
            return Some((running.with_live(judged.record.clone(), release).migrated(), Some(migration)));
        }
        let running = match self.comparison.actions.get(name) {
            // The same release: only its surroundings changed.
            Some(ServiceAction::Bounds) => Running { live: release, ..running.without_candidate() },
            _ => running.with_live(judged.record.clone(), release),
        };
        Some((running, None))
    }

    /// An added service: with its earlier release if that is wanted, otherwise with a new one.
    fn added(&self, judged: &Judged, store: &Store) -> Option<(Running, Option<Migration>)> {
        let name = &judged.verdict.service;
        let (added, settings) = (self.added_services.get(name)?, self.manifest.services.get(name)?);
        let service = Arc::new(Service::new(name.clone(), store.clone(), settings.limits(&self.manifest.limits)));
        let migration = judged.migration_of(&service, added.generation, added.oldest_data, false);
        let live = judged.record.clone();
        let oldest_data = if migration.is_some() { live.data.writes } else { added.oldest_data.min(live.data.writes) };
        let record = match added.earlier.clone() {
            Some(earlier) if earlier.live.is_same(&live) => ServiceRecord { candidate: None, oldest_data, ..earlier },
            earlier => {
                let (mut kept, mut signed) = (Vec::new(), live.signed());
                if let Some(earlier) = earlier {
                    signed = signed.max(earlier.signed);
                    kept = earlier.kept;
                    kept.insert(0, earlier.live);
                    kept.truncate(RELEASES_KEPT_MAX);
                }
                let generation = added.generation;
                ServiceRecord {
                    last: live.number,
                    live,
                    candidate: None,
                    kept,
                    oldest_data,
                    signed,
                    is_fresh: true,
                    applied: None,
                    generation,
                    mirror: None,
                }
            }
        };
        let live = judged.release.clone()?;
        let running = Running { service, settings: settings.clone(), record, live, candidate: None, copy: None };
        Some((running, migration))
    }

    /// The lines of the history: one for each changed service, and one for each global setting.
    pub(in crate::release) fn events(
        &self,
        who: &Holder,
        state: &State,
        judged: &[Judged],
        plan: &Plan,
    ) -> Vec<NewEntry> {
        let differences = &self.comparison.differences;
        let details = |name: Option<&ServiceName>| {
            let of = differences.iter().filter(|one| one.service.as_ref() == name && one.what == Differs::Settings);
            let details = of.map(|difference| difference.detail.as_str()).collect::<Vec<_>>().join(", ");
            match &plan.reason {
                _ if details.is_empty() => plan.reason.clone(),
                Some(reason) => Some(format!("{reason} ({details})")),
                None => Some(details),
            }
        };
        let mut events = Vec::new();
        if differences.iter().any(|one| one.service.is_none() && one.what == Differs::Settings) {
            events.push(NewEntry { reason: details(None), ..NewEntry::of_host(&who.name, ChangeKind::Settings) });
        }
        for (name, action) in &self.comparison.actions {
            let judged = judged.iter().find(|judged| judged.verdict.service == *name);
            let from = state.record(name).map(|record| record.live.digest);
            let to = judged.map(|judged| judged.record.digest);
            let verdict = judged.and_then(|judged| serde_json::to_value(&judged.verdict).ok());
            let (what, to) = match action {
                ServiceAction::Add => (ChangeKind::Add, to),
                ServiceAction::Remove => (ChangeKind::Remove, None),
                ServiceAction::Deploy => (ChangeKind::Deploy, to),
                ServiceAction::Beside | ServiceAction::Bounds | ServiceAction::Configure => {
                    (ChangeKind::Settings, from)
                }
            };
            events.push(NewEntry {
                from,
                to,
                reason: details(Some(name)),
                verdict,
                ..NewEntry::new(&who.name, name, what)
            });
        }
        events
    }
}

impl Wanted {
    /// The manifest that it leads to.
    fn manifest_over(&self, state: &State) -> Result<Manifest, DeployError> {
        let mut manifest = Manifest::clone(&state.manifest);
        match &self.scope {
            Scope::All => return Ok(self.manifest.clone()),
            Scope::Add(name) => {
                let missing = || DeployError::NotInManifest { service: name.clone() };
                let mut settings = self.manifest.services.get(name).ok_or_else(missing)?.clone();
                // The limits of all services may differ between the two manifests.
                settings.limits = LimitOverrides::all(&settings.limits(&self.manifest.limits));
                manifest.services.insert(name.clone(), settings);
            }
            Scope::Remove(name) => {
                let missing = || DeployError::NoService { service: name.clone() };
                manifest.services.remove(name).ok_or_else(missing)?;
            }
        }
        Ok(manifest)
    }
}

/// The components of an apply.
struct Components {
    /// Of each wanted service: the named one, otherwise its current or earlier one.
    components: BTreeMap<ServiceName, Digest>,
    /// Those that are not taken back.
    kept: Vec<Difference>,
    /// Those that the manifest names and that are live afterwards.
    applied: BTreeMap<ServiceName, Digest>,
}

fn components(state: &State, wanted: &Wanted, target: &Manifest) -> Result<Components, DeployError> {
    if let Some(service) = wanted.components.keys().find(|name| !target.services.contains_key(*name)) {
        return Err(DeployError::NotInManifest { service: service.clone() });
    }
    let (mut components, mut kept, mut applied) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
    for name in target.services.keys() {
        let (named, running) = (wanted.components.get(name), state.services.get(name));
        let component = match (named, running.map(|running| &running.record)) {
            (Some(named), Some(record))
                if *named != record.live.digest
                    && record.applied != Some(record.live.digest)
                    && !wanted.reset_releases =>
            {
                kept.push(keeps(name, &record.live, named));
                record.live.digest
            }
            (Some(named), _) => {
                applied.insert(name.clone(), *named);
                *named
            }
            (None, _) => {
                let missing = || DeployError::NoComponentNamed { service: name.clone() };
                state.record(name).ok_or_else(missing)?.live.digest
            }
        };
        components.insert(name.clone(), component);
    }
    Ok(Components { components, kept, applied })
}

fn keeps(name: &ServiceName, live: &ReleaseRecord, named: &Digest) -> Difference {
    let by = &live.by;
    Difference {
        service: Some(name.clone()),
        what: Differs::Keeps,
        from: Some(live.digest.to_string()),
        to: Some(named.to_string()),
        detail: format!("{by} deployed the live release after the last apply: --reset-releases takes it back"),
    }
}

fn serving(running: &Running) -> Serving<'_> {
    Serving { release: &running.record.live, world: &running.live.world, has_candidate: running.candidate.is_some() }
}

fn context(running: &Running, settings: ServiceSettings, manifest: &Manifest) -> ServiceContext {
    let limits = settings.limits(&manifest.limits);
    ServiceContext::of(running, settings, limits)
}
