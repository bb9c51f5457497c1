//! One shop and everything that is known of it: opened, put through rounds of load and death, and checked after each.

use std::sync::Arc;
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
use crate::plan::{CUSTOMERS, GOODS, Instant, Point, Round};
use crate::registers::{FIRST_CENTS, Registers, SKU};
use crate::report::{Report, Violation};

/// Pieces of each of the goods that are there at first; of the last one there are few.
const PIECES: [u32; GOODS.len()] = [1_000_000, 1_000_000, 20];

pub(crate) struct Shop {
    data: TempDir,
    host: Host,
    staff: Staff,
    buyers: Vec<Buyer>,
    guest: Client,
    builds: Arc<Builds>,
    record: Arc<Record>,
    changes: Changes,
    cents: u32,
}

impl Shop {
    /// Opens one with goods and customers, over an empty data directory.
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

    /// One round of load and death; then everything is checked. An error says what ended the round before that.
    pub(crate) async fn round(
        &mut self,
        number: usize,
        plan: Round,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let name = |who: &str| format!("{number}-{who}");
        let mut asker = self.asker(name("check"));
        let begin = self.record.all().len();
        let attempts = self.record.attempts();
        let registers = Arc::new(Registers::new(&mut asker, &self.guest, self.cents).await?);
        let mut load = JoinSet::new();
        for (index, (buyer, errands)) in self.buyers.iter().zip(plan.customers).enumerate() {
            load.spawn(buyer.clone().run(errands, self.asker(name(&format!("customer{index}")))));
        }
        for (index, tasks) in plan.staff.into_iter().enumerate() {
            load.spawn(work(self.staff.client.unchecked(), tasks, self.asker(name(&format!("staff{index}")))));
        }
        for (index, touches) in plan.touches.into_iter().enumerate() {
            let (registers, asker) = (Arc::clone(&registers), self.asker(name(&format!("shopper{index}"))));
            let (guest, staff) = (self.guest.clone(), self.staff.client.unchecked());
            load.spawn(async move { registers.touch(touches, guest, staff, asker).await });
        }
        report.swaps += plan.swaps.len();
        let changes = std::mem::take(&mut self.changes);
        let mut swapping = JoinSet::new();
        swapping.spawn(changes.run(plan.swaps, Arc::clone(&self.builds), self.asker(name("operator"))));

        self.die_at_an_instant(plan.instant, report).await?;
        let survived = self.host.start(Some(plan.point)).await?;
        let ended = async {
            while let Some(done) = load.join_next().await {
                done??;
            }
            let changes = swapping.join_next().await;
            anyhow::Ok(changes.transpose()?.transpose()?.unwrap_or_default())
        };
        let mut ended = std::pin::pin!(ended);
        self.changes = tokio::select! {
            // Whoever has an answer to give is there only while the host is up, or is to be up again.
            biased;
            died = die_at_a_point(&mut self.host, plan.point, survived, report) => {
                died?;
                self.host.start(None).await?;
                ended.await?
            }
            changes = &mut ended => {
                self.host.kill().await?;
                report.points_not_reached += 1;
                self.host.start(None).await?;
                changes?
            }
        };
        report.attempts += self.record.attempts() - attempts;
        report.acknowledged += self.record.all().len() - begin;
        self.cents = registers.cents();
        self.check(begin, &registers, &mut asker, report).await
    }

    async fn check(
        &mut self,
        begin: usize,
        registers: &Registers,
        asker: &mut Asker,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let doors = asker.doors().await?;
        let mut found = check::idle(&doors.operator).await?;
        let (wrong, linearized) = registers.check(asker).await?;
        found.extend(wrong.into_iter().map(Violation::wrong));
        report.linearized += linearized;
        let exchanges = self.record.all();
        let (wrong, replayed) = check::keys(&doors.public, &exchanges, begin).await?;
        found.extend(wrong);
        report.replayed += replayed;
        let staff = self.staff.client.at(&doors.public);
        found.extend(check::idle(&doors.operator).await?);
        let goods = GOODS.into_iter().zip(PIECES);
        found.extend(check::shop(&staff, &self.buyers, goods, &exchanges).await?);
        found.extend(self.changes.check(asker).await?.into_iter().map(Violation::lost));
        Ok(found)
    }

    fn asker(&self, name: String) -> Asker {
        Asker::new(self.host.doors(), Arc::clone(&self.record), name)
    }

    async fn die_at_an_instant(&mut self, instant: Instant, report: &mut Report) -> anyhow::Result<()> {
        let mut answered = self.record.answered();
        let until = *answered.borrow() + instant.answers;
        answered.wait_for(|count| *count >= until).await?;
        tokio::time::sleep(Duration::from_micros(instant.micros)).await;
        report.kills_at_instants += 1;
        self.host.kill().await
    }

    /// Ends it; its data directory goes with it.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.host.end().await
    }

    /// Ends it and keeps its data directory: gives the path.
    pub(crate) async fn keep(self) -> anyhow::Result<std::path::PathBuf> {
        self.host.end().await?;
        Ok(self.data.keep())
    }
}

/// Resolves when the host has died at `point`; it has already where it did not survive its start.
async fn die_at_a_point(host: &mut Host, point: Point, survived: bool, report: &mut Report) -> anyhow::Result<()> {
    if survived {
        host.died().await?;
    } else {
        report.kills_at_start += 1;
    }
    *report.kills_at_points.entry(point.name).or_default() += 1;
    Ok(())
}
