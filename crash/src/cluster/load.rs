//! The clients of a round: they work until they are stopped, each through one of the hosts, two, or all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shop_tests::Client;
use tokio::task::JoinSet;

use super::clients::{Clients, SHOPPERS, STAFF};
use super::operator;
use super::pace::Pace;
use super::plan::NODES;
use crate::ask::Asker;
use crate::operator::{Builds, Changes};
use crate::people::{Buyer, work};
use crate::plan::{Round, Touch};
use crate::registers::Registers;

/// The longest time for one attempt. A host that is stopped for a while keeps it for longer, and another one answers.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Milliseconds between two pieces of work of a client: all together leave room for the servers on two processors.
const CUSTOMER_MS: u64 = 80;
const STAFF_MS: u64 = 200;
const SHOPPER_MS: u64 = 60;
const COUNTER_MS: u64 = 30;
const WATCHER_MS: u64 = 15;

/// The clients at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    working: JoinSet<anyhow::Result<()>>,
    operator: JoinSet<anyhow::Result<Changes>>,
}

/// What a client of a number does with the script of its turn.
#[derive(Debug, Clone)]
struct Scripts {
    seed: u64,
    index: usize,
    name: String,
}

impl Scripts {
    /// The plans of one turn after another, and the name of the turn.
    fn turns(&self) -> impl Iterator<Item = (Round, String)> + Send + use<> {
        let Self { seed, name, .. } = self.clone();
        (0..).map(move |number| (Round::new(seed, number), format!("{name}-{number}")))
    }
}

impl Load {
    /// Starts all clients of a round of the seed.
    pub(super) fn start(
        clients: &Clients,
        changes: Changes,
        builds: &Arc<Builds>,
        (seed, number): (u64, usize),
        registers: &Arc<Registers>,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let pace = |pause_ms| Pace::new(&stop, pause_ms);
        let scripts = |who: &str, index: usize| Scripts {
            seed: seed.wrapping_add((number as u64) << 32),
            index,
            name: format!("{number}-{who}{index}"),
        };
        let mut working = JoinSet::new();
        for (index, buyer) in clients.buyers.iter().enumerate() {
            let askers = clients.askers(index, ATTEMPT);
            let (buyer, guest) = (buyer.clone(), clients.guest.clone());
            working.spawn(buy(buyer, guest, scripts("customer", index), pace(CUSTOMER_MS), askers));
        }
        let staff = clients.staff.client.unchecked();
        for index in 0..STAFF {
            let askers = clients.askers(index, ATTEMPT);
            working.spawn(serve(staff.clone(), scripts("staff", index), pace(STAFF_MS), askers));
        }
        for index in 0..SHOPPERS {
            let askers = clients.askers(index, ATTEMPT);
            let (registers, clients) = (Arc::clone(registers), (clients.guest.clone(), staff.clone()));
            working.spawn(touch(registers, clients, scripts("shopper", index), pace(SHOPPER_MS), askers));
        }
        for node in 0..NODES {
            let asker = |who: &str| clients.asker_at(node, format!("{number}-{who}{node}"), ATTEMPT);
            let (counts, watches) = (Arc::clone(&clients.counter), Arc::clone(&clients.counter));
            working.spawn(counts.count(pace(COUNTER_MS), staff.clone(), asker("counter")));
            working.spawn(watches.watch(pace(WATCHER_MS), asker("watcher")));
        }
        let asker = clients.asker(format!("{number}-watcher"), ATTEMPT);
        working.spawn(Arc::clone(&clients.counter).watch(pace(WATCHER_MS), asker));
        let asker = clients.asker(format!("{number}-operator"), ATTEMPT);
        let mut operator = JoinSet::new();
        operator.spawn(operator::work(changes, (seed, number), Arc::clone(builds), Arc::clone(&stop), asker));
        Self { stop, working, operator }
    }

    /// Ends the clients when their last requests are answered. Returns what the operator knows.
    pub(super) async fn stop(mut self) -> anyhow::Result<Changes> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.working.join_next().await {
            ended??;
        }
        self.operator.join_next().await.transpose()?.transpose().map(Option::unwrap_or_default)
    }

    /// The error of a client, when one has ended.
    pub(super) async fn failed(&mut self) -> anyhow::Error {
        let ended = tokio::select! {
            Some(ended) = self.working.join_next() => ended.map_err(Into::into).flatten(),
            Some(ended) = self.operator.join_next() => ended.map_err(Into::into).flatten().map(drop),
            else => Ok(()),
        };
        ended.err().unwrap_or_else(|| anyhow::anyhow!("a client has ended by itself"))
    }
}

async fn buy(
    buyer: Buyer,
    guest: Client,
    scripts: Scripts,
    pace: Pace,
    askers: impl Fn(String) -> Asker,
) -> anyhow::Result<()> {
    for (round, name) in scripts.turns() {
        let errands = round.people.customers.into_iter().nth(scripts.index).unwrap_or_default();
        for (turn, errand) in errands.into_iter().enumerate() {
            if !pace.goes_on().await {
                return Ok(());
            }
            buyer.clone().run(vec![errand], guest.clone(), askers(format!("{name}-{turn}"))).await?;
        }
    }
    Ok(())
}

async fn serve(staff: Client, scripts: Scripts, pace: Pace, askers: impl Fn(String) -> Asker) -> anyhow::Result<()> {
    for (round, name) in scripts.turns() {
        let tasks = round.people.staff.into_iter().nth(scripts.index).unwrap_or_default();
        for (turn, task) in tasks.into_iter().enumerate() {
            if !pace.goes_on().await {
                return Ok(());
            }
            work(staff.clone(), vec![task], askers(format!("{name}-{turn}"))).await?;
        }
    }
    Ok(())
}

async fn touch(
    registers: Arc<Registers>,
    (guest, staff): (Client, Client),
    scripts: Scripts,
    pace: Pace,
    askers: impl Fn(String) -> Asker,
) -> anyhow::Result<()> {
    for (round, name) in scripts.turns() {
        let touches = round.people.touches.into_iter().nth(scripts.index).unwrap_or_default();
        for (turn, touch) in touches.into_iter().enumerate() {
            if !pace.goes_on().await {
                return Ok(());
            }
            // A search among many emptied registers that nobody was told of would take long.
            let touch = match touch {
                Touch::Clear { register, .. } => Touch::Clear { register, with_key: true },
                touch => touch,
            };
            registers.touch(vec![touch], guest.clone(), staff.clone(), askers(format!("{name}-{turn}"))).await?;
        }
    }
    Ok(())
}
