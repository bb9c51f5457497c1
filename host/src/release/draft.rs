//! An apply as it is planned: what is different, what has to be judged for it, and what the host runs when it is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Inner;
use super::apply::Wanted;
use super::data::DataStamp;
use super::deploy::Plan;
use super::error::DeployError;
use super::judge::{Judged, Proposal};
use super::open::finish_migration;
use super::plan::{Comparison, Differs, Fate, Present, Serving, Target};
use super::plan::{check_imports, compare, effective, is_left};
use super::record::{Event, ServiceRecord, What};
use super::scene::{Place, Scene, around};
use super::state::{Running, State};
use super::tokens::Holder;
use crate::call::Service;
use crate::config::{Manifest, ServiceSettings};
use crate::contract::{Contracts, World};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::{Digest, ServiceName};
use crate::store::Store;

/// What it takes to come to what is wanted.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) comparison: Comparison,
    /// The manifest that counts then.
    pub(super) manifest: Manifest,
    pub(super) contracts: Digest,
    /// Components that the host has not got.
    pub(super) missing: Vec<Digest>,
    /// The services that come.
    pub(super) comings: BTreeMap<ServiceName, Coming>,
    /// Lines of what was found of services that come back.
    found: Vec<Event>,
}

/// A service that is to be added.
#[derive(Debug)]
pub(super) struct Coming {
    /// What it ran before it was removed.
    pub(super) earlier: Option<ServiceRecord>,
    /// The lowest version of the data that lies in its store.
    pub(super) oldest_data: u64,
    pub(super) store_bytes_max: u64,
}

/// What has to be judged for a draft.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) scene: Scene,
    pub(super) proposals: Vec<Proposal>,
}

impl Inner {
    /// Finds what it takes to come from `state` to `wanted`. Blocks.
    pub(super) fn draft(&self, state: &State, wanted: &Wanted) -> Result<(Draft, Question), DeployError> {
        let (contracts, read) = match &wanted.contracts {
            Some(sources) => self.workshop.keep_contracts(sources.clone())?,
            None => self.workshop.current_contracts()?,
        };
        let manifest = effective(&state.manifest, &wanted.manifest);
        let components = components(state, wanted)?;
        let worlds = self.worlds(state, &manifest, wanted, &read)?;
        let present = Present {
            manifest: &state.manifest,
            services: state.services.iter().map(|(name, running)| (name, serving(running))).collect(),
            removed: state.removed.iter().map(|(name, record)| (name, &record.live)).collect(),
        };
        let target = Target { manifest: &wanted.manifest, components: &components, worlds: &worlds };
        check_imports(&present, &target)?;
        let comparison = compare(&present, &target);
        let (missing, comings, found) = Default::default();
        let mut draft = Draft { comparison, manifest, contracts, missing, comings, found };
        let question = self.question(state, wanted, &components, (contracts, read), &mut draft)?;
        Ok((draft, question))
    }

    /// The contracts of all services that are to run.
    fn worlds(
        &self,
        state: &State,
        manifest: &Manifest,
        wanted: &Wanted,
        contracts: &Contracts,
    ) -> Result<BTreeMap<ServiceName, Arc<World>>, DeployError> {
        let mut worlds = BTreeMap::new();
        for (name, settings) in &manifest.services {
            let Some(contract) = &settings.contract else { continue };
            let world = match state.services.get(name) {
                Some(running) if is_left(&state.manifest, &wanted.manifest, name) => Arc::clone(&running.live.world),
                _ => self.workshop.world(contracts, name, contract)?,
            };
            worlds.insert(name.clone(), world);
        }
        Ok(worlds)
    }

    fn question(
        &self,
        state: &State,
        wanted: &Wanted,
        components: &BTreeMap<ServiceName, Digest>,
        contracts: (Digest, Arc<Contracts>),
        draft: &mut Draft,
    ) -> Result<Question, DeployError> {
        let mut scene = Scene { contracts, around: around(state), places: BTreeMap::new() };
        let mut proposals = Vec::new();
        for (name, fate) in draft.comparison.fates.clone() {
            match fate {
                Fate::Beside => continue,
                Fate::Remove => {
                    scene.around.remove(&name);
                    continue;
                }
                Fate::Bounds | Fate::Configure | Fate::Deploy | Fate::Add => {}
            }
            let Some(settings) = draft.manifest.services.get(&name).cloned() else { continue };
            let place = match state.services.get(&name) {
                Some(running) => place(running, settings, &draft.manifest),
                None => self.coming(state, &name, settings, draft),
            };
            scene.places.insert(name.clone(), place);
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
        Ok(Question { scene, proposals })
    }

    /// The place of a service that is to be added, which may have been there before.
    fn coming(&self, state: &State, name: &ServiceName, settings: ServiceSettings, draft: &mut Draft) -> Place {
        let store = self.stores.kept_store(name);
        // What it ran as another kind of service is nothing to go back to.
        let is_such = |record: &&ServiceRecord| record.live.contracts.is_some() == settings.contract.is_some();
        let mut earlier = state.removed.get(name).filter(is_such).cloned();
        let migrating = earlier.as_mut().and_then(|earlier| earlier.migrating.take());
        if let (Some(earlier), Some(migrating), Some(store)) = (&mut earlier, migrating, &store) {
            draft.found.push(finish_migration(store, earlier, migrating));
        }
        let limits = settings.limits(&draft.manifest.limits);
        let stamped = |store: &Store| u64::from(DataStamp::of(store).version);
        let oldest_data =
            store.as_ref().map_or(0, |store| earlier.as_ref().map_or_else(|| stamped(store), |one| one.oldest_data));
        let granted = earlier.as_ref().map(|earlier| earlier.live.granted.clone()).unwrap_or_default();
        let last = earlier.as_ref().map_or(0, |earlier| earlier.last);
        let coming = Coming { earlier, oldest_data, store_bytes_max: limits.store_bytes_max };
        draft.comings.insert(name.clone(), coming);
        Place { settings, limits, granted, last, live: None, store, oldest_data }
    }
}

impl Draft {
    /// Whether there is anything to make, beside what waits for a restart.
    pub(super) fn changes_anything(&self) -> bool {
        self.comparison.differences.iter().any(|difference| difference.what != Differs::Restart)
    }

    /// What runs once all this is made, with the stores of the services that come.
    pub(super) fn next(&self, state: &State, judged: &[Judged], stores: &BTreeMap<ServiceName, Store>) -> State {
        let mut next = State { manifest: Arc::new(self.manifest.clone()), ..state.clone() };
        for (name, running) in &mut next.services {
            if let Some(settings) = self.manifest.services.get(name) {
                running.settings = settings.clone();
            }
        }
        for name in self.comparison.fates.iter().filter(|(_, fate)| **fate == Fate::Remove).map(|(name, _)| name) {
            if let Some(running) = next.services.remove(name) {
                next.removed.insert(name.clone(), ServiceRecord { candidate: None, ..running.record });
            }
        }
        for judged in judged {
            let name = &judged.verdict.service;
            let running = match next.services.get(name) {
                Some(running) => self.changed(state, running, judged),
                None => stores.get(name).and_then(|store| self.added(judged, store)),
            };
            if let Some(running) = running {
                next.removed.remove(name);
                next.services.insert(name.clone(), running);
            }
        }
        next
    }

    /// A service that goes on with what was judged.
    fn changed(&self, state: &State, running: &Running, judged: &Judged) -> Option<Running> {
        let (name, release) = (&judged.verdict.service, judged.release.clone()?);
        let limits = running.settings.limits(&self.manifest.limits);
        let service = match limits == *running.service.limits() {
            true => Arc::clone(&running.service),
            false => Arc::new(running.service.within(limits)),
        };
        let running = Running { service, ..running.clone() };
        if judged.needs_migration(state) {
            return Some(running.with_live(judged.record.clone(), release).migrated());
        }
        Some(match self.comparison.fates.get(name) {
            // The same release: only what is around it changed.
            Some(Fate::Bounds) => Running { live: release, ..running.without_candidate() },
            _ => running.with_live(judged.record.clone(), release),
        })
    }

    /// A service that comes: with its earlier release, where that is what is wanted, else with a new one.
    fn added(&self, judged: &Judged, store: &Store) -> Option<Running> {
        let name = &judged.verdict.service;
        let (coming, settings) = (self.comings.get(name)?, self.manifest.services.get(name)?);
        let live = judged.record.clone();
        let migrates = coming.needs_migration(judged);
        let oldest_data = if migrates { live.data.writes } else { coming.oldest_data.min(live.data.writes) };
        let record = match coming.earlier.clone() {
            Some(earlier) if earlier.live.is_same(&live) => ServiceRecord { candidate: None, oldest_data, ..earlier },
            earlier => {
                let mut kept = Vec::new();
                if let Some(earlier) = earlier {
                    kept = earlier.kept;
                    kept.insert(0, earlier.live);
                    kept.truncate(RELEASES_KEPT_MAX);
                }
                ServiceRecord { last: live.number, live, candidate: None, kept, oldest_data, migrating: None }
            }
        };
        let service = Arc::new(Service::new(name.clone(), store.clone(), settings.limits(&self.manifest.limits)));
        Some(Running { service, settings: settings.clone(), record, live: judged.release.clone()?, candidate: None })
    }

    /// The lines of the history: one for each service that changes, and one for each setting of all of them.
    pub(super) fn events(&self, who: &Holder, state: &State, judged: &[Judged], plan: &Plan) -> Vec<Event> {
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
        let mut events = self.found.clone();
        if differences.iter().any(|one| one.service.is_none() && one.what == Differs::Settings) {
            events.push(Event { reason: details(None), ..Event::of_host(&who.name, What::Settings) });
        }
        for (name, fate) in &self.comparison.fates {
            let judged = judged.iter().find(|judged| judged.verdict.service == *name);
            let from = state.record(name).map(|record| record.live.digest);
            let to = judged.map(|judged| judged.record.digest);
            let verdict = judged.and_then(|judged| serde_json::to_value(&judged.verdict).ok());
            let (what, to) = match fate {
                Fate::Add => (What::Add, to),
                Fate::Remove => (What::Remove, None),
                Fate::Deploy => (What::Deploy, to),
                Fate::Beside | Fate::Bounds | Fate::Configure => (What::Settings, from),
            };
            events.push(Event { from, to, reason: details(Some(name)), verdict, ..Event::new(&who.name, name, what) });
        }
        events
    }
}

impl Coming {
    /// Whether the data has to be brought to what `judged` writes.
    pub(super) fn needs_migration(&self, judged: &Judged) -> bool {
        judged.record.data.writes > self.oldest_data
    }
}

/// The component of each service that is wanted: that which is named, else that which it runs, or ran.
fn components(state: &State, wanted: &Wanted) -> Result<BTreeMap<ServiceName, Digest>, DeployError> {
    let mut components = wanted.components.clone();
    if let Some(service) = components.keys().find(|name| !wanted.manifest.services.contains_key(*name)) {
        return Err(DeployError::NotInManifest { service: service.clone() });
    }
    for name in wanted.manifest.services.keys() {
        if components.contains_key(name) {
            continue;
        }
        let Some(record) = state.record(name) else {
            return Err(DeployError::NoComponentNamed { service: name.clone() });
        };
        components.insert(name.clone(), record.live.digest);
    }
    Ok(components)
}

fn serving(running: &Running) -> Serving<'_> {
    Serving { release: &running.record.live, world: &running.live.world, has_candidate: running.candidate.is_some() }
}

fn place(running: &Running, settings: ServiceSettings, manifest: &Manifest) -> Place {
    let limits = settings.limits(&manifest.limits);
    Place::of(running, settings, limits)
}
