//! Abuse: the effect of strangers and hostile components on others on the same host, compared with a run without them.
//!
//! Each experiment starts a fresh host with default settings, measures the good client alone, then during the abuse,
//! and compares with a goal. The abuse comes from separate addresses, as from a stranger.

mod callers;
mod compiling;
mod connections;
mod customers;
mod operators;
mod stranger;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use crate::load;

/// One figure with its goal.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    experiment: &'static str,
    what: &'static str,
    alone: f64,
    beside: f64,
    at_most: f64,
}

impl Figure {
    fn missed(&self) -> bool {
        self.beside > self.at_most
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct AbuseReport(Vec<Figure>);

/// Runs the experiments whose name contains `only`.
pub(crate) async fn measure(workspace: &Path, time: Duration, only: Option<&str>) -> anyhow::Result<AbuseReport> {
    let wanted = |name: &str| {
        let wanted = only.is_none_or(|text| name.contains(text));
        if wanted {
            eprintln!("measuring: {name}");
        }
        wanted
    };
    let mut figures = Vec::new();
    if wanted(callers::BUSY) {
        figures.extend(callers::busy(workspace, time).await?);
    }
    if wanted(callers::SLEEPING) {
        figures.extend(callers::sleeping(workspace, time).await?);
    }
    if wanted(connections::DESCRIPTORS) {
        figures.extend(connections::descriptors(workspace).await?);
    }
    if wanted(connections::UNREAD) {
        figures.extend(connections::unread(workspace, time).await?);
    }
    if wanted(customers::SIGN_INS) {
        figures.extend(customers::sign_ins(workspace, time).await?);
    }
    if wanted(customers::GROWTH) {
        figures.extend(customers::growth(workspace, time).await?);
    }
    if wanted(connections::KEPT) {
        figures.extend(connections::kept(workspace).await?);
    }
    if wanted(compiling::COMPILING) {
        figures.extend(compiling::compiling(workspace).await?);
    }
    if wanted(operators::OPERATOR) {
        figures.extend(operators::filled(workspace).await?);
    }
    ensure!(!figures.is_empty(), "no experiment has {:?} in its name", only.unwrap_or_default());
    Ok(AbuseReport(figures))
}

fn millis(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1000.0
}

fn refused(report: &load::Report) -> f64 {
    report.refused.values().sum::<usize>() as f64
}

impl AbuseReport {
    /// # Errors
    ///
    /// When a goal is missed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let missed: Vec<_> = self.0.iter().filter(|figure| figure.missed()).map(|figure| format!("{figure}")).collect();
        ensure!(missed.is_empty(), "{} of {} goals are missed:\n{}", missed.len(), self.0.len(), missed.join("\n"));
        Ok(())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, what, alone, beside, at_most } = self;
        let mark = if self.missed() { "MISSED" } else { "" };
        write!(f, "{experiment:<18} {what:<52} {alone:>9.1} {beside:>9.1} {at_most:>9.1} {mark}")
    }
}

impl fmt::Display for AbuseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:<52} {:>9} {:>9} {:>9}", "abuse", "figure", "alone", "beside", "at most")?;
        self.0.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}
