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

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use crate::goals::{Figure, Goals};
use crate::load;

/// Runs the experiments whose name contains `only`.
pub(crate) async fn measure(workspace: &Path, time: Duration, only: Option<&str>) -> anyhow::Result<Goals> {
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
    Ok(Goals { title: "abuse", figures })
}

fn millis(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1000.0
}

fn refused(report: &load::Report) -> f64 {
    report.refused.values().sum::<usize>() as f64
}
