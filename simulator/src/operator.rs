//! The operator's changes of releases, and the releases that must result.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use switchyard::names::ServiceName;
use switchyard::platform::simulated::Random;
use switchyard::release::{DeployError, Holder, Plan, Proposal, Releases, Wanted};

use super::host::Life;
use super::model::Model;
use super::variants;
use super::world::{CLOCK, World};

/// The services that the operator deploys.
const SERVICES: [&str; 2] = ["front", "back"];

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Makes these variants live, in one change.
    Deploy(Vec<(&'static str, usize)>),
    /// Rolls back to a kept release, counted from the newest.
    Rollback(&'static str, usize),
    /// Removes `clock`, adds it again, or drops its remaining store.
    Clock { drops: bool },
}

impl Order {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut below = |end: usize| usize::try_from(random.below(end as u64)).unwrap_or(0);
        let numbers = 2 * (variants::VERSION_MAX + 1);
        let service = SERVICES.get(below(SERVICES.len())).copied().unwrap_or("front");
        match below(6) {
            0 => Self::Deploy(SERVICES.into_iter().map(|service| (service, below(numbers))).collect()),
            1 | 2 => Self::Deploy(vec![(service, below(numbers))]),
            3 => Self::Rollback(service, below(3)),
            which => Self::Clock { drops: which == 5 },
        }
    }
}

/// The live variant of each service.
type Live = BTreeMap<ServiceName, usize>;

#[derive(Debug, Default)]
struct State {
    live: Live,
    /// The live variants if the running change succeeds.
    pending: Option<Live>,
    /// Whether `clock` is in the manifest, which takes effect at the next start.
    has_clock: bool,
    made: u64,
    failed: Vec<String>,
}

/// The operator's knowledge. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operator(Arc<Mutex<State>>);

impl Operator {
    /// The first variant is live everywhere.
    pub(crate) fn new() -> Self {
        let operator = Self::default();
        let named = SERVICES.iter().filter_map(|name| ServiceName::parse(name).ok());
        operator.with(|state| state.has_clock = true);
        operator.with(|state| state.live = named.map(|name| (name, 0)).collect());
        operator
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of successful changes, and the reasons of the failed ones.
    pub(crate) fn outcome(&self) -> (u64, Vec<String>) {
        self.with(|state| (state.made, state.failed.clone()))
    }

    /// Whether `clock` is in the manifest.
    pub(crate) fn has_clock(&self) -> bool {
        self.with(|state| state.has_clock)
    }

    /// Whether a change is running.
    pub(crate) fn is_busy(&self) -> bool {
        self.with(|state| state.pending.is_some())
    }

    /// Begins a change concurrently, unless one is running.
    pub(crate) fn order(&self, world: &World, life: &Life, model: &Model, order: Order) -> anyhow::Result<()> {
        if self.is_busy() {
            return Ok(());
        }
        let (operator, releases) = (self.clone(), life.host.releases.clone());
        match order {
            Order::Deploy(variants) => {
                let mut after = self.with(|state| state.live.clone());
                let mut proposals = Vec::new();
                for (name, number) in variants {
                    let service = ServiceName::parse(name)?;
                    let component = world.variants.get(number).cloned().unwrap_or_default().into();
                    proposals.push(Proposal { service: service.clone(), component, signature: None });
                    after.insert(service, number);
                }
                self.with(|state| state.pending = Some(after));
                life.spawn("operator", async move {
                    let done = releases.deploy(&Holder::admin(), proposals, &Plan::default()).await;
                    let _is_made = operator.ended(done.map(drop));
                });
            }
            Order::Clock { drops } => {
                let (service, before) = (ServiceName::parse(CLOCK)?, self.has_clock());
                self.with(|state| state.pending = Some(state.live.clone()));
                if drops && !life.has(CLOCK) {
                    let (model, ending) = (model.clone(), model.drop_begins());
                    life.spawn("operator", async move {
                        let done = releases.drop_store(&Holder::admin(), &service).await;
                        if done.is_ok() {
                            model.drop_ended(&ending);
                        }
                        let _is_made = operator.ended(done);
                    });
                    return Ok(());
                }
                let has_clock = !life.has(CLOCK);
                let mut components = BTreeMap::new();
                if has_clock {
                    components.insert(service, releases.upload(world.clock.clone().into()));
                }
                let (manifest, reason) = (world.manifest(has_clock), None);
                let wanted = Wanted { manifest, components, contracts: None, reason, signatures: BTreeMap::new() };
                self.with(|state| state.has_clock = has_clock);
                life.spawn("operator", async move {
                    let done = releases.apply(&Holder::admin(), wanted, false).await.map(drop);
                    let is_made = operator.ended(done);
                    if !is_made {
                        operator.with(|state| state.has_clock = before);
                    }
                });
            }
            Order::Rollback(name, back) => {
                let service = ServiceName::parse(name)?;
                let Some((to, number)) = kept(world, &releases, &service, back) else { return Ok(()) };
                let mut after = self.with(|state| state.live.clone());
                after.insert(service.clone(), number);
                self.with(|state| state.pending = Some(after));
                life.spawn("operator", async move {
                    let done = releases.rollback(&Holder::admin(), &service, Some(&to), false, None).await;
                    let _is_made = operator.ended(done);
                });
            }
        }
        Ok(())
    }

    /// Records the end of a change. Returns false if it was certainly not made, otherwise true.
    fn ended(&self, done: Result<(), DeployError>) -> bool {
        self.with(|state| match done {
            Ok(()) => {
                state.live = state.pending.take().unwrap_or_default();
                state.made += 1;
                true
            }
            // The next start shows it.
            Err(DeployError::NotDurable(_) | DeployError::Stopping(_) | DeployError::Interrupted(_)) => true,
            Err(error) => {
                state.pending = None;
                state.failed.push(error.to_string());
                false
            }
        })
    }

    /// The faults in the releases of `life`. `is_start` when no change of an earlier life is running.
    pub(crate) fn check(&self, world: &World, life: &Life, is_start: bool) -> anyhow::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let mut found = Live::new();
        for view in life.host.releases.services() {
            if !SERVICES.contains(&view.name.as_str()) {
                continue;
            }
            let form = life.stored(view.name.as_str(), "form")?.parse().unwrap_or(0);
            if form != view.data_version {
                wrong.push(format!("the data of {} is of version {form}, not {}", view.name, view.data_version));
            }
            match world.number_of(&view.live.digest) {
                Some(number) => drop(found.insert(view.name, number)),
                None => wrong.push(format!("{} runs what nobody deployed", view.name)),
            }
        }
        self.with(|state| {
            let is_known = found == state.live || state.pending.as_ref() == Some(&found);
            if !is_known {
                wrong.push(format!("{found:?} is live, not {:?} or {:?}", state.live, state.pending));
            }
            if is_start {
                (state.live, state.pending) = (found, None);
            }
        });
        Ok(wrong)
    }
}

/// A kept release of `service`: its digest and the number of its variant.
fn kept(world: &World, releases: &Releases, service: &ServiceName, back: usize) -> Option<(String, usize)> {
    let view = releases.service(service)?;
    let release = view.kept.get(back)?;
    Some((release.digest.to_string(), world.number_of(&release.digest)?))
}
