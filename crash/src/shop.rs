//! One shop and everything that is known about it: opened, run through rounds of load and death, and checked after
//! each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shop_tests::{Client, Staff};
use switchyard::fail_point::Sabotage;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::ask::{Asker, Record};
use crate::check;
use crate::host::Host;
use crate::operator::{Builds, Changes};
use crate::people::{Buyer, work};
use crate::plan::{CUSTOMERS, GOODS, Instant, People, Point, Round};
use crate::registers::{FIRST_CENTS, Registers, SKU};
use crate::report::{Report, Violation};

/// The first stock of each item; the last item is scarce.
const PIECES: [u32; GOODS.len()] = [1_000_000, 1_000_000, 20];

/// Customers of a light load, and how long each thinks between two errands: mirrors run on the same processors.
const LIGHT_CUSTOMERS: usize = 6;
const THINKING: Duration = Duration::from_millis(50);

/// The report's name for the kill of a host that completed the load without reaching its point.
const NO_POINT: &str = "behind the load";

pub(crate) struct Shop {
    data: TempDir,
    pub(crate) host: Host,
    staff: Staff,
    buyers: Vec<Buyer>,
    guest: Client,
    pub(crate) builds: Arc<Builds>,
    pub(crate) record: Arc<Record>,
    pub(crate) changes: Changes,
    cents: u32,
}

impl Shop {
    /// Opens a shop with goods and customers, on an empty data directory.
    pub(crate) async fn open(sabotage: Option<Sabotage>, builds: Arc<Builds>) -> anyhow::Result<Self> {
        let data = tempfile::Builder::new().prefix("switchyard-crash-").tempdir()?;
        let mut host = Host::new(data.path(), sabotage)?;
        host.start(None).await?;
        let mut asker = Asker::new(host.doors(), Arc::default(), String::new());
        let doors = asker.doors().await?;
        let staff = Staff::hire(&doors.public, &doors.operator).await?;
        for (sku, pieces) in GOODS.into_iter().zip(PIECES) {
            staff.sell(sku, 1250, pieces).await?;
        }
        staff.sell(SKU, FIRST_CENTS.into(), 0).await?;
        let mut buyers = Vec::new();
        for number in 0..CUSTOMERS {
            buyers.push(Buyer::sign_up(&doors.public, &format!("customer{number}")).await?);
        }
        let (record, changes, cents) = (Arc::default(), Changes::default(), FIRST_CENTS);
        Ok(Self { data, host, staff, buyers, guest: doors.public, builds, record, changes, cents })
    }

    /// One round of load and death; then everything is checked. An error means that the round ended before the check.
    pub(crate) async fn round(
        &mut self,
        number: usize,
        plan: Round,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let mut asker = self.asker(format!("{number}-check"));
        let begin = self.record.all().len();
        let attempts = self.record.attempts();
        let registers = Arc::new(Registers::new(&mut asker, &self.guest, self.cents).await?);
        report.swaps += plan.people.swaps.len();
        let mut load = self.load(number, &registers, plan.people);
        self.live_until(plan.instant, &mut load).await?;
        self.host.kill().await?;
        report.kills_at_instants += 1;
        let reached = self.die_at(plan.point, &mut load, report).await?;
        *report.kills_at_points.entry(reached.unwrap_or(NO_POINT)).or_default() += 1;
        self.host.start(None).await?;
        load.is_over().await?;
        self.changes = load.changes;
        report.handovers += std::mem::take(&mut self.changes.moved);
        report.given_up += std::mem::take(&mut self.changes.given_up);
        report.attempts += self.record.attempts() - attempts;
        report.acknowledged += self.record.all().len() - begin;
        self.cents = registers.cents();
        Ok(self.check(begin, &registers, &mut asker, report).await)
    }

    async fn check(
        &mut self,
        begin: usize,
        registers: &Registers,
        asker: &mut Asker,
        report: &mut Report,
    ) -> Vec<Violation> {
        let mut found = Vec::new();
        // Violations that were found before an error still count.
        if let Err(error) = self.check_into(&mut found, begin, registers, asker, report).await {
            found.push(Violation::of_error(&error));
        }
        found
    }

    async fn check_into(
        &mut self,
        found: &mut Vec<Violation>,
        begin: usize,
        registers: &Registers,
        asker: &mut Asker,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let doors = asker.doors().await?;
        found.extend(check::unexpected(&self.record.all()));
        found.extend(check::idle(&doors.operator).await?);
        let (wrong, linearized) = registers.check(asker).await?;
        found.extend(wrong.into_iter().map(Violation::lost));
        report.linearized += linearized;
        let exchanges = self.record.all();
        let (wrong, replayed) = check::keys(&doors.public, &exchanges, begin).await?;
        found.extend(wrong);
        report.replayed += replayed;
        let staff = self.staff.client.at(&doors.public);
        found.extend(check::idle(&doors.operator).await?);
        found.extend(self.changes.settle_all(&self.builds, asker).await?);
        let goods = GOODS.into_iter().zip(PIECES);
        found.extend(check::shop(&staff, &self.buyers, goods, &exchanges, begin).await?);
        found.extend(self.changes.check(asker).await?.into_iter().map(Violation::lost));
        Ok(())
    }

    pub(crate) fn asker(&self, name: String) -> Asker {
        Asker::new(self.host.doors(), Arc::clone(&self.record), name)
    }

    /// Starts a few customers who think between their errands, until `stop` is set.
    pub(crate) fn light_load(&self, seed: u64, name: &str, stop: &Arc<AtomicBool>) -> JoinSet<anyhow::Result<()>> {
        let mut working = JoinSet::new();
        for (index, buyer) in self.buyers.iter().take(LIGHT_CUSTOMERS).enumerate() {
            let (buyer, guest, stop) = (buyer.clone(), self.guest.clone(), Arc::clone(stop));
            let askers = (self.host.doors(), Arc::clone(&self.record), format!("{name}-customer{index}"));
            working.spawn(async move {
                for number in 0.. {
                    let errands = Round::new(seed, number).people.customers.into_iter().nth(index).unwrap_or_default();
                    for (turn, errand) in errands.into_iter().enumerate() {
                        if stop.load(Ordering::Relaxed) {
                            return Ok(());
                        }
                        let (doors, record, name) = askers.clone();
                        let asker = Asker::new(doors, record, format!("{name}-{number}-{turn}"));
                        buyer.clone().run(vec![errand], guest.clone(), asker).await?;
                        tokio::time::sleep(THINKING).await;
                    }
                }
                Ok(())
            });
        }
        working
    }

    /// Checks everything that was answered from the exchange `begin` on. No client works.
    pub(crate) async fn check_light(&mut self, begin: usize, report: &mut Report) -> anyhow::Result<Vec<Violation>> {
        let mut asker = self.asker(format!("check-{begin}"));
        let doors = asker.doors().await?;
        let mut found = check::unexpected(&self.record.all());
        found.extend(check::idle(&doors.operator).await?);
        found.extend(self.changes.settle_all(&self.builds, &mut asker).await?);
        let exchanges = self.record.all();
        let (wrong, replayed) = check::keys(&doors.public, &exchanges, begin).await?;
        found.extend(wrong);
        report.replayed += replayed;
        found.extend(check::idle(&doors.operator).await?);
        let (staff, goods) = (self.staff.client.at(&doors.public), GOODS.into_iter().zip(PIECES));
        found.extend(check::shop(&staff, &self.buyers, goods, &exchanges, begin).await?);
        found.extend(self.changes.check(&mut asker).await?.into_iter().map(Violation::lost));
        report.handovers += std::mem::take(&mut self.changes.moved);
        report.given_up += std::mem::take(&mut self.changes.given_up);
        Ok(found)
    }

    /// Starts all clients.
    fn load(&mut self, number: usize, registers: &Arc<Registers>, people: People) -> Load {
        let asker = |who: &str, index: usize| self.asker(format!("{number}-{who}{index}"));
        let mut working = JoinSet::new();
        for (index, (buyer, errands)) in self.buyers.iter().zip(people.customers).enumerate() {
            let (buyer, guest, asker) = (buyer.clone(), self.guest.clone(), asker("customer", index));
            working.spawn(async move { buyer.run(errands, guest, asker).await.map(|()| None) });
        }
        let staff = self.staff.client.unchecked();
        for (index, tasks) in people.staff.into_iter().enumerate() {
            let (staff, asker) = (staff.clone(), asker("staff", index));
            working.spawn(async move { work(staff, tasks, asker).await.map(|()| None) });
        }
        for (index, touches) in people.touches.into_iter().enumerate() {
            let (registers, asker) = (Arc::clone(registers), asker("shopper", index));
            let (guest, staff) = (self.guest.clone(), staff.clone());
            working.spawn(async move { registers.touch(touches, guest, staff, asker).await.map(|()| None) });
        }
        let (builds, asker) = (Arc::clone(&self.builds), asker("operator", 0));
        let changes = std::mem::take(&mut self.changes);
        working.spawn(async move { changes.run(people.swaps, builds, asker).await.map(Some) });
        Load { working, changes: Changes::default() }
    }

    /// Resolves at the planned moment, or when the load is over before that.
    async fn live_until(&self, instant: Instant, load: &mut Load) -> anyhow::Result<()> {
        let mut answered = self.record.answered();
        let until = *answered.borrow() + instant.answers;
        let reached = async {
            // The shop owns the record, so this wait cannot fail. Its guard is dropped at once, because answers are not
            // counted while it is held.
            drop(answered.wait_for(|count| *count >= until).await);
            tokio::time::sleep(Duration::from_micros(instant.micros)).await;
        };
        tokio::select! {
            biased;
            () = reached => Ok(()),
            over = load.is_over() => over,
        }
    }

    /// Starts the host with `point` armed; the host is dead when this returns. Returns the point, if it was reached.
    async fn die_at(
        &mut self,
        point: Point,
        load: &mut Load,
        report: &mut Report,
    ) -> anyhow::Result<Option<&'static str>> {
        if !self.host.start(Some(point)).await? {
            report.kills_at_start += 1;
            return Ok(Some(point.name));
        }
        tokio::select! {
            biased;
            died = self.host.died() => died.map(|()| Some(point.name)),
            over = load.is_over() => {
                over?;
                self.host.kill().await?;
                Ok(None)
            }
        }
    }

    /// Ends it and deletes its data directory.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.host.end().await
    }

    /// Ends it, keeps its data directory and returns the path.
    pub(crate) async fn keep(self) -> anyhow::Result<std::path::PathBuf> {
        self.host.end().await?;
        Ok(self.data.keep())
    }
}

/// All running clients.
struct Load {
    working: JoinSet<anyhow::Result<Option<Changes>>>,
    /// The operator's results, when it is done.
    changes: Changes,
}

impl Load {
    /// Resolves when all clients are done. Dropping the future has no effect on them.
    async fn is_over(&mut self) -> anyhow::Result<()> {
        while let Some(done) = self.working.join_next().await {
            if let Some(changes) = done?? {
                self.changes = changes;
            }
        }
        Ok(())
    }
}
