//! A cluster of three hosts over three NATS servers on this machine: what a failure does to clients, and what the cluster
//! costs beside one host with local files, in the same run.

mod costs;
mod joining;
mod kills;
mod nodes;
mod step_down;
mod swap;
mod writes;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::machine::{Machine, today};
use crate::targets::{Bound, Target, Targets};
use nodes::Cluster;
use writes::Ledger;

/// The goals: seconds, milliseconds, and multiples of one host.
const HOST_KILLED_SECONDS_MAX: f64 = 4.0;
/// A follower takes part in nothing that a write waits for.
const FOLLOWER_KILLED_SECONDS_MAX: f64 = 1.0;
/// NATS elects in 4 to 9 s; this is fixed in its code.
const NATS_KILLED_SECONDS_MAX: f64 = 10.0;
const STEP_DOWN_MILLIS_MAX: f64 = 500.0;
const SWAP_MILLIS_MAX: f64 = 100.0;
const CHECKOUTS_MIN: f64 = 0.5;
const READ_CPU_MAX: f64 = 1.5;
const JOINED_SECONDS_MAX: f64 = 60.0;

/// What one run has measured.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterReport {
    date: String,
    machine: Machine,
    rounds: u32,
    /// Writes that were acknowledged in the rounds and in the step-downs.
    acknowledged: u64,
    /// What else was seen, for people.
    notes: Vec<String>,
    pub(crate) targets: Targets,
}

pub(crate) async fn measure(workspace: &Path, time: Duration, rounds: u32) -> anyhow::Result<ClusterReport> {
    let workspace = workspace.canonicalize()?;
    eprintln!("preparing: three NATS servers, and three hosts with the shop");
    let mut cluster = Cluster::start(&workspace).await?;
    let staff = cluster.fill().await?;
    let mut ledger = Ledger::new(staff.clone());
    let (mut targets, mut notes) = (Vec::new(), Vec::new());
    let killed = kills::measure(&mut cluster, &mut ledger, rounds).await?;
    targets.extend(killed.targets());
    notes.extend(killed.notes());
    let stepped = step_down::measure(&cluster, &mut ledger).await?;
    targets.extend(stepped.targets());
    notes.extend(stepped.notes());
    let wrong = ledger.check(&cluster).await?;
    let whole = |row: &str, count: u64| Target::absolute(row, "acknowledged writes", count as f64, Bound::AtMost(0.0));
    let all = format!("{rounds} kills, and changes");
    targets.insert(0, whole(&format!("lost in {all}"), wrong.lost));
    targets.insert(1, whole(&format!("doubled in {all}"), wrong.doubled));
    targets.extend(swap::measure(&workspace, &cluster, &mut ledger).await?);
    targets.extend(costs::measure(&workspace, &cluster, time).await?);
    let joined = joining::measure(&workspace, &cluster).await?;
    targets.push(joined.target());
    notes.push(joined.note());
    cluster.stop().await?;
    Ok(ClusterReport {
        date: today(),
        machine: Machine::read(&workspace)?,
        rounds,
        acknowledged: ledger.acknowledged(),
        notes,
        targets: Targets(targets),
    })
}

impl fmt::Display for ClusterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.targets)?;
        writeln!(f, "\n{} writes were acknowledged through all hosts, and each was checked", self.acknowledged)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}
