//! Runs seeds: one life after another. Each is checked at its beginning, and the last one at its end.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use switchyard::clock;
use switchyard::fail_point::{Action, Armed, arm};
use switchyard::platform::simulated::{Fault, Random, SimulatedDisk};

use super::host::{self, End, Life, NotSent};
use super::machines::Machines;
use super::model::Model;
use super::operator::Operator;
use super::order::Order;
use super::restore::Restores;
use super::steps::{self, Request, Step};
use super::world::{CLOCK, World};

/// When the first life of each seed begins: 2026-01-01, in microseconds since the Unix epoch.
const BEGIN_MICROS: u64 = 1_767_225_600_000_000;

/// The longest time until everything in the last life of a seed has ended, in milliseconds of virtual time.
const SETTLE_MS_MAX: u64 = 2 * 3_600_000;

/// How long a client waits before its first retry.
const CLIENT_RETRY: Duration = Duration::from_millis(20);

/// The longest wait: it doubles with each attempt.
const CLIENT_RETRY_MAX: Duration = Duration::from_secs(20);

/// Why a seed failed, with all its events.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) wrong: Vec<String>,
    pub(crate) log: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "seed {} fails:", self.seed)?;
        self.wrong.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// The counts of a simulation.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) steps: u64,
    pub(crate) lives: u64,
    pub(crate) requests: u64,
    pub(crate) changes: u64,
    pub(crate) failed_changes: u64,
    pub(crate) restores: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, more: &Self) {
        self.steps += more.steps;
        self.lives += more.lives;
        self.requests += more.requests;
        self.changes += more.changes;
        self.failed_changes += more.failed_changes;
        self.restores += more.restores;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, lives, requests, changes, failed_changes, restores } = self;
        write!(f, "{lives} lives, {steps} steps, {requests} requests, ")?;
        write!(f, "{changes} changes made and {failed_changes} refused, {restores} restores")
    }
}

/// A successful seed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    pub(crate) log: Vec<String>,
}

impl Outcome {
    /// Compares with `again`, the outcome of the same seed.
    pub(crate) fn same(&self, again: Self, seed: u64) -> Result<Self, Box<Failure>> {
        if *self == again {
            return Ok(again);
        }
        let mut both = self.log.iter().zip(&again.log).filter(|(first, second)| first != second);
        let (first, second) = both.next().map_or_else(Default::default, |(one, two)| (one.clone(), two.clone()));
        let wrong = vec![format!("it does not do the same again: {first:?}, and then {second:?}")];
        Err(Box::new(Failure { seed, wrong, log: again.log }))
    }
}

/// Simulates `seed`.
///
/// # Errors
///
/// [`Failure`].
pub(crate) fn run(world: &World, seed: u64, on_stream: bool) -> Result<Outcome, Box<Failure>> {
    let mut seeded = Seeded {
        random: Random(seed),
        model: Model::default(),
        operator: Operator::default(),
        restores: Restores::default(),
        log: Vec::new(),
        figures: Figures::default(),
        armed: Vec::new(),
        wrong: Vec::new(),
    };
    match catch_unwind(AssertUnwindSafe(|| seeded.run(world, seed, on_stream))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => seeded.wrong.push(format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            seeded.wrong.push(format!("a panic: {}", text.unwrap_or_default()));
        }
    }
    let (made, failed) = seeded.operator.outcome();
    seeded.figures.changes = u64::try_from(made).unwrap_or(u64::MAX);
    seeded.figures.failed_changes = u64::try_from(failed.len()).unwrap_or(u64::MAX);
    seeded.log.extend(seeded.operator.kinds().into_iter().map(|kind| format!("in the history: {kind}")));
    seeded.log.extend(failed.into_iter().map(|why| format!("a change was not made: {why}")));
    match seeded.wrong.is_empty() {
        true => Ok(Outcome { figures: seeded.figures, log: seeded.log }),
        false => Err(Box::new(Failure { seed, wrong: seeded.wrong, log: seeded.log })),
    }
}

struct Seeded {
    random: Random,
    model: Model,
    operator: Operator,
    restores: Restores,
    log: Vec<String>,
    figures: Figures,
    /// Points at which the host panics in this life.
    armed: Vec<Armed>,
    wrong: Vec<String>,
}

impl Seeded {
    fn run(&mut self, world: &World, seed: u64, on_stream: bool) -> anyhow::Result<()> {
        let mut machines = Machines::new(on_stream, seed)?;
        let mut unix_micros = BEGIN_MICROS;
        for life in 0..2 + self.random.below(3) {
            let host = machines.begin(world, &mut self.random, unix_micros, seed.wrapping_add(life))?;
            self.figures.lives += 1;
            self.check(world, &host, false, "after the start")?;
            for index in self.model.pending() {
                self.send(&host, index);
            }
            let (count, mut loses_power) = (5 + self.random.below(25), false);
            // In some lives the power fails in the middle of some write.
            let fault_at = if self.random.below(3) == 0 { self.random.below(count) } else { count };
            for number in 0..count {
                if number == fault_at {
                    let operation = self.random.below(40);
                    self.note(&host, &format!("the power goes at operation {operation} from here"));
                    machines.disk().plan(operation, Fault::PowerLoss);
                    loses_power = true;
                }
                let step = steps::step(&mut self.random, self.figures.requests);
                self.note(&host, &format!("{step:?}"));
                match self.step(world, &host, step) {
                    Err(error) if !loses_power => return Err(error),
                    _ => {}
                }
            }
            self.armed.clear();
            let end = if loses_power { End::PowerLoss } else { steps::end(&mut self.random) };
            self.note(&host, &format!("{end:?}"));
            let (disk, ended) = host.end(machines.disk(), end)?;
            machines.replace(disk);
            unix_micros = ended;
            // The machine is down for a while.
            unix_micros += self.random.below(10_000_000);
            if self.random.below(2) == 0 && machines.can_restore() {
                let restored = self.restore(world, machines.disk(), unix_micros)?;
                restored.into_iter().for_each(|disk| machines.replace(disk));
            }
        }
        let host = machines.begin(world, &mut self.random, unix_micros, seed.wrapping_add(99))?;
        self.check(world, &host, false, "after the last start")?;
        for index in self.model.pending() {
            self.send(&host, index);
        }
        self.settle(world, &host)?;
        self.check(world, &host, true, "in the end")?;
        let (disk, _) = host.end(machines.disk(), End::Stop)?;
        machines.replace(disk);
        machines.check(world)
    }

    /// Restores to an instant that there was. Gives the restored disk, if the host goes on with it.
    fn restore(
        &mut self,
        world: &World,
        disk: &SimulatedDisk,
        unix_micros: u64,
    ) -> anyhow::Result<Option<SimulatedDisk>> {
        let restored = self.restores.restore(&mut self.random, disk, world.store_settings())?;
        let Some((restored, point)) = restored else { return Ok(None) };
        self.figures.restores += 1;
        if self.random.coin() {
            self.log.push("the host goes on from where it was restored to".into());
            self.restores.clear();
            self.model.replace(point.sent);
            self.operator.replace(point.orders);
            return Ok(Some(restored));
        }
        let (model, operator) = (Model::default(), Operator::of(point.orders));
        model.replace(point.sent);
        let host = Life::begin(world, None, &restored, unix_micros, 0)?;
        let mut wrong = model.check(&host, false)?;
        wrong.extend(operator.check(world, &host, true)?);
        anyhow::ensure!(wrong.is_empty(), "after a restore: {}", wrong.join("; "));
        Ok(None)
    }

    fn note(&mut self, host: &Life, what: &str) {
        let time = clock::rfc_3339_millis(host.unix_micros());
        let journal = (host.host.last().0, host.host.stores.durable().0);
        self.log.push(format!("{time} {journal:?} {what}"));
    }

    fn check(&mut self, world: &World, host: &Life, at_the_end: bool, when: &str) -> anyhow::Result<()> {
        let mut wrong = self.model.check(host, at_the_end)?;
        wrong.extend(self.operator.check(world, host, !at_the_end)?);
        self.note(host, &format!("{when}: {} wrong", wrong.len()));
        anyhow::ensure!(wrong.is_empty(), "{when}: {}", wrong.join("; "));
        Ok(())
    }

    /// A client repeats the request `index` until it has an answer, or the host ends.
    fn send(&self, host: &Life, index: usize) {
        let (model, calls) = (self.model.clone(), host.host.calls.clone());
        let Some(sent) = self.model.get(index) else { return };
        let client = async move {
            let (service, function, script) = sent.request.script();
            let mut wait = CLIENT_RETRY;
            loop {
                match host::send(calls.clone(), service, function, &script, &sent.key).await {
                    Ok(text) => return model.answered(index, &text),
                    Err(NotSent::Stopped) => return,
                    Err(NotSent::Again) => tokio::time::sleep(wait).await,
                }
                wait = CLIENT_RETRY_MAX.min(2 * wait);
            }
        };
        host.spawn("client", client);
    }

    fn step(&mut self, world: &World, host: &Life, step: Step) -> anyhow::Result<()> {
        self.figures.steps += 1;
        match step {
            Step::Send(request) => {
                self.figures.requests += 1;
                let index = self.model.add(request);
                self.send(host, index);
            }
            Step::Pass(time) => host.pass(time),
            Step::SetClock(seconds) => host.clock.step(seconds),
            Step::Stall(time) => {
                let before = host.unix_micros();
                host.pass(time);
                let _entered = host.enter();
                host.clock.set_unix_micros(before);
            }
            Step::Panic(point, times) => self.armed.push(arm(point, times, Action::Panic)),
            Step::Checkpoint => host.host.checkpoint().map_err(anyhow::Error::from_boxed)?,
            Step::Change(order) => self.operator.order(world, host, &self.model, order)?,
            Step::ReplayDeadLetters => host.block_on(host.replay_dead_letters())?,
            Step::AbandonIntent => self.operator.abandon(host, &self.model),
            Step::BackUp => self.restores.back_up(host, self.random.next()),
            Step::Remember => self.restores.remember(host, &self.model, &self.operator)?,
        }
        Ok(())
    }

    /// Repairs broken guests, and lets time pass until no work is running.
    fn settle(&mut self, world: &World, host: &Life) -> anyhow::Result<()> {
        for service in ["front", "sink"] {
            let index = self.model.add(Request::Break { service, broken: false });
            self.send(host, index);
        }
        let second = 1_000;
        for _ in 0..SETTLE_MS_MAX / second {
            host.pass(Duration::from_millis(second));
            if !host.has(CLOCK) {
                let order = Order::Apply { variants: Vec::new(), moves_clock: true };
                self.operator.order(world, host, &self.model, order)?;
            }
            let subscriptions = {
                let _entered = host.enter();
                host.host.events.subscriptions(None)?
            };
            if subscriptions.iter().any(|view| view.dead > 0) {
                host.block_on(host.replay_dead_letters())?;
            }
            let delivered = subscriptions.iter().all(|view| view.lag_events + view.retrying + view.dead == 0);
            if delivered
                && !self.operator.is_busy()
                && self.model.pending().is_empty()
                && host.host.calls.intents().is_empty()
            {
                return Ok(());
            }
        }
        let _entered = host.enter();
        let (intents, subscriptions) = (host.host.calls.intents(), host.host.events.subscriptions(None)?);
        anyhow::bail!(
            "not all has ended: {} requests without an answer, intents {intents:?}, subscriptions {subscriptions:?}",
            self.model.pending().len()
        )
    }
}
