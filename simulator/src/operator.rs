//! The operator: orders changes of releases, one at a time, and checks what has become of them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use switchyard::call::Share;
use switchyard::names::{Digest, ServiceName};
use switchyard::release::{DeployError, Holder, Plan, Proposal, Releases, Rollout, Scope, Wanted};

use super::history::{Change, End, History, abandoner_of, operator_of};
use super::host::Life;
use super::model::Model;
use super::order::{Course, Order, Variants};
use super::world::{CANDIDATE_HEADER, CLOCK, World};

/// How long a candidate stays at each step.
const STEP: Duration = Duration::from_secs(1);

/// More lines than a seed has.
const LINES_MAX: usize = 1_000;

type Work = Pin<Box<dyn Future<Output = Result<(), DeployError>> + Send>>;

/// What the operator has ordered and was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    changes: Vec<Change>,
    abandoned: Vec<End>,
    /// Why changes were not made.
    failed: Vec<String>,
    /// The kinds of the lines of the history.
    kinds: Vec<String>,
}

/// The operator's knowledge. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operator(Arc<Mutex<Orders>>);

impl Operator {
    fn with<T>(&self, work: impl FnOnce(&mut Orders) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What it knows now.
    pub(crate) fn orders(&self) -> Orders {
        self.with(|orders| orders.clone())
    }

    /// From now on it knows only this.
    pub(crate) fn replace(&self, orders: Orders) {
        self.with(|known| *known = orders);
    }

    /// One that knows only this.
    pub(crate) fn of(orders: Orders) -> Self {
        Self(Arc::new(Mutex::new(orders)))
    }

    /// Changes that were made, and why others were not.
    pub(crate) fn outcome(&self) -> (usize, Vec<String>) {
        let is_made = |change: &&Change| change.end == End::Made;
        self.with(|orders| (orders.changes.iter().filter(is_made).count(), orders.failed.clone()))
    }

    /// The kinds of the lines of the history, when it was checked last.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.with(|orders| orders.kinds.clone())
    }

    /// Whether a change is running.
    pub(crate) fn is_busy(&self) -> bool {
        self.with(|orders| orders.changes.iter().any(|change| change.end == End::Unknown))
    }

    /// Begins a change concurrently, unless one is running.
    pub(crate) fn order(&self, world: &World, life: &Life, model: &Model, order: Order) -> anyhow::Result<()> {
        let releases = &life.host.releases;
        let back = match &order {
            Order::Rollback(name, back) => kept_release(releases, &ServiceName::parse(name)?, *back),
            _ => None,
        };
        let has_nothing = matches!(order, Order::Rollback(..)) && back.is_none();
        if self.is_busy() || has_nothing || order == Order::Drop && life.has(CLOCK) {
            return Ok(());
        }
        let number = self.with(|orders| {
            orders.changes.push(Change { order: order.clone(), back, end: End::Unknown });
            orders.changes.len() - 1
        });
        let work = self.work(world, life, model, (number, order, back))?;
        let operator = self.clone();
        life.spawn("operator", async move { operator.ended(number, work.await) });
        Ok(())
    }

    fn work(
        &self,
        world: &World,
        life: &Life,
        model: &Model,
        (number, order, back): (usize, Order, Option<Digest>),
    ) -> anyhow::Result<Work> {
        let (releases, who) = (life.host.releases.clone(), holder(operator_of(number)));
        Ok(match order {
            Order::Deploy(variants) => {
                let proposals = proposals(world, &variants)?;
                Box::pin(async move {
                    releases.deploy(&who, proposals, &Plan { replace: true, ..Plan::default() }).await.map(drop)
                })
            }
            Order::Candidate(name, number, course) => {
                let proposals = proposals(world, &vec![(name, number)])?;
                let plan = Plan { rollout: Some(rollout(course)), replace: true, ..Plan::default() };
                Box::pin(async move { releases.deploy(&who, proposals, &plan).await.map(drop) })
            }
            Order::Promote(name) => {
                let service = ServiceName::parse(name)?;
                Box::pin(async move { releases.promote(&who, &service, None).await })
            }
            Order::Abort(name) => {
                let service = ServiceName::parse(name)?;
                Box::pin(async move { releases.abort(&who, &service, None).await })
            }
            Order::Rollback(name, _) => {
                let (service, to) = (ServiceName::parse(name)?, back.map(|digest| digest.to_string()));
                Box::pin(async move { releases.rollback(&who, &service, to.as_deref(), false, None).await })
            }
            Order::Apply { variants, moves_clock } => {
                let has_clock = life.has(CLOCK) != moves_clock;
                let mut components = BTreeMap::new();
                for Proposal { service, component, .. } in proposals(world, &variants)? {
                    components.insert(service, releases.upload(component));
                }
                if moves_clock && has_clock {
                    components.insert(ServiceName::parse(CLOCK)?, releases.upload(world.clock.clone().into()));
                }
                let (manifest, signatures) = (world.manifest(has_clock), BTreeMap::new());
                let wanted = Wanted {
                    manifest,
                    components,
                    contracts: None,
                    reason: None,
                    signatures,
                    reset_releases: true,
                    scope: Scope::All,
                };
                Box::pin(async move { releases.apply(&who, wanted, false).await.map(drop) })
            }
            Order::Drop => {
                let (service, model, ending) = (ServiceName::parse(CLOCK)?, model.clone(), model.drop_begins());
                Box::pin(async move {
                    releases.drop_store(&who, &service).await?;
                    model.drop_ended(&ending);
                    Ok(())
                })
            }
        })
    }

    /// Abandons an intent, if there is one.
    pub(crate) fn abandon(&self, life: &Life, model: &Model) {
        let Some(intent) = life.host.calls.intents().into_iter().next() else { return };
        model.abandon_pending();
        let number = self.with(|orders| {
            orders.abandoned.push(End::Unknown);
            orders.abandoned.len() - 1
        });
        let (operator, releases) = (self.clone(), life.host.releases.clone());
        life.spawn("operator", async move {
            let done = releases.give_up(&holder(abandoner_of(number)), intent.id, "because".into()).await;
            let end = end(&done.map(drop));
            operator.with(|orders| orders.abandoned.get_mut(number).into_iter().for_each(|known| *known = end));
        });
    }

    /// Notes the end of a change.
    fn ended(&self, number: usize, done: Result<(), DeployError>) {
        self.with(|orders| {
            let end = end(&done);
            orders.changes.get_mut(number).into_iter().for_each(|change| change.end = end);
            if let (End::NotMade, Err(error)) = (end, done) {
                orders.failed.push(error.to_string());
            }
        });
    }

    /// What is wrong with the releases of `life`. `is_start` when nothing of an earlier life is under way.
    pub(crate) fn check(&self, world: &World, life: &Life, is_start: bool) -> anyhow::Result<Vec<String>> {
        let services = life.host.releases.services();
        let mut wrong = Vec::new();
        for view in services.iter().filter(|view| matches!(view.name.as_str(), "front" | "back")) {
            let form = life.stored(view.name.as_str(), "form")?.parse().unwrap_or(0);
            if form != view.data_version {
                wrong.push(format!("the data of {} is of version {form}, not {}", view.name, view.data_version));
            }
        }
        let mut lines = life.block_on(life.host.releases.history(None, None, LINES_MAX))?;
        lines.reverse();
        let kinds = lines.iter().map(|line| format!("{:?}", line.what));
        self.with(|orders| orders.kinds = kinds.collect());
        let wrong_history = self.with(|orders| {
            let mut history = History::read(world, &lines, &orders.changes);
            history.check_services(&services);
            history.check_changes(&mut orders.changes, is_start);
            history.check_abandoned(&orders.abandoned);
            history.wrong
        });
        wrong.extend(wrong_history);
        Ok(wrong)
    }
}

/// What a change has come to, as far as the operator is told.
fn end(done: &Result<(), DeployError>) -> End {
    match done {
        Ok(()) => End::Made,
        // The next start tells.
        Err(DeployError::NotDurable(_) | DeployError::Stopping(_) | DeployError::Interrupted(_)) => End::Unknown,
        Err(_) => End::NotMade,
    }
}

fn holder(name: String) -> Holder {
    let mut holder = Holder::admin();
    holder.name = name;
    holder
}

fn proposals(world: &World, variants: &Variants) -> anyhow::Result<Vec<Proposal>> {
    let proposal = |(name, number): &(&str, usize)| {
        let component = world.variants.get(*number).cloned().unwrap_or_default().into();
        Ok(Proposal { service: ServiceName::parse(name)?, component, signature: None })
    };
    variants.iter().map(proposal).collect()
}

fn rollout(course: Course) -> Rollout {
    let (name, value) = CANDIDATE_HEADER;
    let by_header = course == Course::Header;
    let header = by_header.then(|| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let steps = if by_header { Vec::new() } else { vec![Share::of_parts(3_000), Share::of_parts(7_000)] };
    let shadow = (course == Course::Shadow).then_some(Share::ALL);
    Rollout { shadow, header, steps, every: (!by_header).then_some(STEP) }
}

/// The component of a kept release of `service`.
fn kept_release(releases: &Releases, service: &ServiceName, back: usize) -> Option<Digest> {
    let view = releases.service(service)?;
    Some(view.kept.get(back)?.digest)
}
