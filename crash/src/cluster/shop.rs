//! One cluster with its shop, and everything that is known about it: opened, run through rounds of faults, and checked after
//! each, at every host.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard::fail_point::Sabotage;

use super::clients::Clients;
use super::epochs;
use super::faults::flow;
use super::load::Load;
use super::nodes::Cluster;
use super::plan::Fault;
use crate::ask::{Asker, Record};
use crate::check;
use crate::operator::{Builds, Changes};
use crate::registers::{FIRST_CENTS, Registers};
use crate::report::{Report, Violation};

/// The longest time for one attempt of a check.
const ATTEMPT: Duration = Duration::from_secs(30);

pub(super) struct Shop {
    cluster: Cluster,
    clients: Clients,
    builds: Arc<Builds>,
    changes: Changes,
    cents: u32,
    /// Whether it breaks a guarantee on purpose: then the first violation is enough.
    is_broken: bool,
}

impl Shop {
    /// Opens a shop with goods and customers, on a new cluster.
    pub(super) async fn open(sabotage: Option<Sabotage>, builds: Arc<Builds>) -> anyhow::Result<Self> {
        let cluster = Cluster::start(sabotage).await?;
        cluster.until_ready().await?;
        let clients = Clients::of_a_new_shop(cluster.entrances()).await?;
        let (changes, cents, is_broken) = (Changes::default(), FIRST_CENTS, sabotage.is_some());
        Ok(Self { cluster, clients, builds, changes, cents, is_broken })
    }

    /// One round of faults under load; then everything is checked. An error means that the round ended before the check.
    pub(super) async fn round(
        &mut self,
        seed: u64,
        number: usize,
        faults: &[Fault],
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let mut asker = self.clients.asker(format!("{number}-check"), ATTEMPT);
        let record = Arc::clone(&self.clients.record);
        let (begin, attempts) = (record.all().len(), record.attempts());
        let registers = Arc::new(Registers::new(&mut asker, &self.clients.guest, self.cents).await?);
        let mut load =
            Load::start(&self.clients, std::mem::take(&mut self.changes), &self.builds, (seed, number), &registers);
        let suffered = tokio::select! {
            suffered = suffer(&mut self.cluster, &record, faults, report) => suffered,
            error = load.failed() => Err(error),
        };
        // The clients of a cluster that is broken may wait for long.
        if self.is_broken || suffered.is_err() {
            let (mut found, reads) = self.clients.counter.take();
            report.reads += reads;
            found.extend(suffered.err().map(|error| Violation::of_error(&error)));
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let stopped = Instant::now();
        self.changes = load.stop().await?;
        eprintln!("  the clients end: {:.1} s", stopped.elapsed().as_secs_f64());
        report.swaps += std::mem::take(&mut self.changes.deployed);
        report.handovers += std::mem::take(&mut self.changes.moved);
        report.given_up += std::mem::take(&mut self.changes.given_up);
        report.attempts += record.attempts() - attempts;
        report.acknowledged += record.all().len() - begin;
        self.cents = registers.cents();
        let (mut found, reads) = self.clients.counter.take();
        report.reads += reads;
        let checked = Instant::now();
        // Violations that were found before an error still count.
        if let Err(error) = self.check(&mut found, begin, &registers, &mut asker, report).await {
            found.push(Violation::of_error(&error));
        }
        eprintln!("  the check: {:.1} s", checked.elapsed().as_secs_f64());
        Ok(found)
    }

    async fn check(
        &mut self,
        found: &mut Vec<Violation>,
        begin: usize,
        registers: &Registers,
        asker: &mut Asker,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        self.cluster.until_ready().await?;
        let exchanges = self.clients.record.all();
        found.extend(check::unexpected(&exchanges));
        let (wrong, linearized) = registers.check(asker).await?;
        found.extend(wrong.into_iter().map(Violation::lost));
        report.linearized += linearized;
        let doors = asker.doors().await?;
        found.extend(check::idle(&doors.operator).await?);
        let (wrong, replayed) = check::keys(&doors.public, &exchanges, begin).await?;
        found.extend(wrong);
        report.replayed += replayed;
        found.extend(check::idle(&doors.operator).await?);
        for (node, doors) in self.cluster.doors()? {
            let staff = self.clients.staff.client.at(&doors.public);
            let wrong = check::shop(&staff, &self.clients.buyers, Clients::goods(), &exchanges, begin).await?;
            found.extend(wrong.into_iter().map(|wrong| wrong.at(node)));
        }
        found.extend(self.changes.check(asker).await?.into_iter().map(Violation::lost));
        let (epochs, wrong) = epochs::check(self.cluster.any_server()?).await?;
        report.epochs = epochs;
        found.extend(wrong);
        Ok(())
    }

    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.cluster.close().await
    }

    pub(super) async fn keep(self) -> anyhow::Result<PathBuf> {
        self.cluster.keep().await
    }
}

/// One fault after another; writes flow before and after each.
async fn suffer(cluster: &mut Cluster, record: &Record, faults: &[Fault], report: &mut Report) -> anyhow::Result<()> {
    for fault in faults {
        flow(record).await?;
        let begin = Instant::now();
        if cluster.suffer(fault, record).await? {
            *report.faults.entry(fault.kind.name()).or_default() += 1;
        }
        cluster.until_ready().await?;
        flow(record).await?;
        eprintln!("  {}: {:.1} s until all are ready again", fault.kind.name(), begin.elapsed().as_secs_f64());
    }
    Ok(())
}
