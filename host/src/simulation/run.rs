//! Runs seeds: life after life, each checked at its begin, and the last one at its end.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::host::{self, SimulatedHost};
use super::model::Model;
use super::steps::{self, Request, Step};
use super::world::World;
use crate::call::CallError;
use crate::journal::simulated::{Random, SimulatedDisk};
use crate::store::CommitDetails;

/// When the first life of each seed begins: 2026-01-01, in microseconds since the Unix epoch.
const BEGIN_MICROS: u64 = 1_767_225_600_000_000;

/// How long the last life of a seed may take until all has ended, in milliseconds of virtual time.
const SETTLE_MS_MAX: u64 = 2 * 3_600_000;

/// How long a client waits before it sends a request again.
const CLIENT_RETRY: Duration = Duration::from_millis(20);

/// The longest that it waits: the wait doubles with each attempt.
const CLIENT_RETRY_MAX: Duration = Duration::from_secs(20);

/// Why a seed fails, with all that happened in it.
#[derive(Debug)]
pub struct Failure {
    pub seed: u64,
    pub wrong: Vec<String>,
    pub log: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.iter().try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "seed {} fails:", self.seed)?;
        self.wrong.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// What was simulated.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub steps: u64,
    pub lives: u64,
    pub requests: u64,
}

/// Simulates `seed`, and gives its figures and its log.
///
/// # Errors
///
/// [`Failure`].
pub fn run(world: &World, seed: u64) -> Result<(Figures, Vec<String>), Box<Failure>> {
    let mut seeded = Seeded {
        random: Random(seed),
        model: Model::default(),
        log: Vec::new(),
        figures: Figures::default(),
        wrong: Vec::new(),
    };
    match catch_unwind(AssertUnwindSafe(|| seeded.run(world, seed))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => seeded.wrong.push(format!("{error:#}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            seeded.wrong.push(format!("a panic: {}", text.unwrap_or_default()));
        }
    }
    match seeded.wrong.is_empty() {
        true => Ok((seeded.figures, seeded.log)),
        false => Err(Box::new(Failure { seed, wrong: seeded.wrong, log: seeded.log })),
    }
}

struct Seeded {
    random: Random,
    model: Model,
    log: Vec<String>,
    figures: Figures,
    wrong: Vec<String>,
}

impl Seeded {
    fn run(&mut self, world: &World, seed: u64) -> anyhow::Result<()> {
        let mut disk = SimulatedDisk::new(seed);
        let (mut unix_micros, mut release) = (BEGIN_MICROS, 0);
        for life in 0..2 + self.random.below(3) {
            let host = SimulatedHost::open(world, &disk, unix_micros, release, seed.wrapping_add(life))?;
            self.figures.lives += 1;
            self.check(&host, false, "after the start")?;
            for index in self.model.pending() {
                self.send(&host, index);
            }
            for _ in 0..5 + self.random.below(25) {
                let step = steps::step(&mut self.random, self.figures.requests);
                self.note(&host, &format!("{step:?}"));
                self.step(&host, step, &mut release)?;
            }
            let end = steps::end(&mut self.random);
            self.note(&host, &format!("{end:?}"));
            (disk, unix_micros) = host.end(&disk, end)?;
            // The machine is down for a while.
            unix_micros += self.random.below(10_000_000);
        }
        let host = SimulatedHost::open(world, &disk, unix_micros, release, seed.wrapping_add(99))?;
        self.check(&host, false, "after the last start")?;
        for index in self.model.pending() {
            self.send(&host, index);
        }
        self.settle(&host)?;
        self.check(&host, true, "in the end")
    }

    fn note(&mut self, host: &SimulatedHost<'_>, what: &str) {
        let time = crate::clock::rfc_3339_millis(host.unix_micros());
        let journal = (host.stores.last().0, host.stores.durable().0);
        self.log.push(format!("{time} {journal:?} {what}"));
    }

    fn check(&mut self, host: &SimulatedHost<'_>, at_the_end: bool, when: &str) -> anyhow::Result<()> {
        let wrong = self.model.check(host, at_the_end)?;
        self.note(host, &format!("{when}: {} wrong", wrong.len()));
        anyhow::ensure!(wrong.is_empty(), "{when}: {}", wrong.join("; "));
        Ok(())
    }

    /// A client sends the request `index` until it has an answer, or the host ends.
    fn send(&self, host: &SimulatedHost<'_>, index: usize) {
        let (model, calls) = (self.model.clone(), host.calls.clone());
        let Some(sent) = self.model.get(index) else { return };
        let client = async move {
            let (service, function, script) = sent.request.script();
            let mut wait = CLIENT_RETRY;
            loop {
                match host::send(calls.clone(), service, function, &script, &sent.key).await {
                    Ok(()) => return model.answered(index),
                    Err(CallError::Stopped(_)) => return,
                    Err(_retried) => tokio::time::sleep(wait).await,
                }
                wait = CLIENT_RETRY_MAX.min(2 * wait);
            }
        };
        let mut stop = host.tasks.stop();
        let client = async move {
            tokio::select! {
                biased;
                () = stop.wait() => {}
                () = client => {}
            }
        };
        host.block_on(async { host.tasks.spawn("client", client) });
    }

    fn step(&mut self, host: &SimulatedHost<'_>, step: Step, release: &mut u64) -> anyhow::Result<()> {
        self.figures.steps += 1;
        match step {
            Step::Send(request) => {
                self.figures.requests += 1;
                let index = self.model.add(request);
                self.send(host, index);
            }
            Step::Pass(time) => host.pass(time),
            Step::SetClock(seconds) => host.clock.step(seconds),
            Step::Checkpoint => host.checkpoint()?,
            Step::Deploy => {
                *release += 1;
                host.deploy(*release)?;
            }
            Step::ReplayDeadLetters => host.block_on(host.replay_dead_letters())?,
            Step::AbandonIntent => {
                if let Some(intent) = host.calls.intents().first()
                    && let Ok(held) = host.calls.hold_intent(intent.id)
                {
                    self.model.abandon_pending();
                    let details = CommitDetails { call: intent.id, data_version: None };
                    let number = host.block_on(held.closing().commit(details))?;
                    host.block_on(host.stores.wait_durable(number))?;
                    held.closed();
                }
            }
        }
        Ok(())
    }

    /// Mends what is broken, and lets time pass until nothing is under way.
    fn settle(&mut self, host: &SimulatedHost<'_>) -> anyhow::Result<()> {
        for service in ["front", "sink"] {
            let index = self.model.add(Request::Break { service, broken: false });
            self.send(host, index);
        }
        let second = 1_000;
        for _ in 0..SETTLE_MS_MAX / second {
            host.pass(Duration::from_millis(second));
            let subscriptions = {
                let _entered = host.enter();
                host.events.subscriptions(None)?
            };
            if subscriptions.iter().any(|view| view.dead > 0) {
                host.block_on(host.replay_dead_letters())?;
            }
            let delivered = subscriptions.iter().all(|view| view.lag_events + view.retrying + view.dead == 0);
            if delivered && self.model.pending().is_empty() && host.calls.intents().is_empty() {
                return Ok(());
            }
        }
        let _entered = host.enter();
        let (intents, subscriptions) = (host.calls.intents(), host.events.subscriptions(None)?);
        anyhow::bail!(
            "not all has ended: {} requests without an answer, intents {intents:?}, subscriptions {subscriptions:?}",
            self.model.pending().len()
        )
    }
}
