//! All of `cargo xtask bench`: the rows of the table, what needs hosts of its own, and the goals.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use crate::machine::{Machine, today};
use crate::operation::Operation;
use crate::rows::Shop;
use crate::table::Report;
use crate::targets::{Target, Targets};
use crate::{chain, idle, keys, row_goals, rows, start, workers};

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selection<'a> {
    /// Only what contains this text in its name.
    pub(crate) only: Option<&'a str>,
    /// Also what takes minutes.
    pub(crate) all: bool,
}

impl Selection<'_> {
    fn has(self, name: &str) -> bool {
        self.only.is_none_or(|text| name.contains(text))
    }
}

pub(crate) async fn measure(workspace: &Path, time: Duration, selection: Selection<'_>) -> anyhow::Result<Report> {
    let machine = Machine::read(workspace)?;
    let mut report = Report {
        date: today(),
        fsyncs_per_second: 1e3 / machine.fsync_ms,
        machine,
        rows: Vec::new(),
        start_cached_ms: None,
        idle_resident_mb: None,
        targets: Targets::default(),
    };
    let operations: Vec<_> = Operation::ALL.into_iter().filter(|it| selection.has(it.name())).collect();
    let mut others = Vec::new();
    if !operations.is_empty() || selection.has(workers::NAME) || selection.has(start::NAME) {
        let shop = rows::measure(workspace, time, &operations).await?;
        others = of_shop(workspace, time, selection, shop, &mut report).await?;
    }
    if selection.has(chain::NAME) {
        report.rows.push(chain::measure(workspace, time).await?);
    }
    if selection.has(idle::NAME) {
        others.extend(idle::measure(workspace).await?);
    }
    if selection.has(start::BINARY) {
        others.push(start::binary(workspace)?);
    }
    if selection.has(keys::NAME) && (selection.all || selection.only.is_some()) {
        others.extend(keys::measure(workspace, time).await?);
    }
    report.targets.0 = row_goals::targets(&report.rows, &report.machine);
    report.targets.0.extend(others);
    ensure!(!report.targets.0.is_empty(), "nothing has {:?} in its name", selection.only.unwrap_or_default());
    Ok(report)
}

/// Takes the rows of the shop into the report, and measures what continues with its data.
async fn of_shop(
    workspace: &Path,
    time: Duration,
    selection: Selection<'_>,
    shop: Shop,
    report: &mut Report,
) -> anyhow::Result<Vec<Target>> {
    let Shop { rows, platform, afresh } = shop;
    report.rows = rows;
    let (data, afresh_data) = (platform.stop().await?, afresh.stop().await?);
    let mut targets = Vec::new();
    if selection.has(workers::NAME) {
        targets.push(workers::measure(workspace, afresh_data.path(), time).await?);
    }
    if selection.has(start::NAME) {
        let start = start::measure(workspace, data.path()).await?;
        report.start_cached_ms = Some(start.first_answer_ms);
        report.idle_resident_mb = Some(start.resident_bytes / 1_000_000);
        targets.push(start.target());
    }
    Ok(targets)
}
