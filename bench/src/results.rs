//! The results of earlier runs: a file for each date.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::targets::Targets;

/// The part of a report that is compared over the dates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    /// In UTC, such as `2026-11-30`.
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) targets: Targets,
}

fn folder(workspace: &Path) -> PathBuf {
    workspace.join("bench/results")
}

/// Writes the results of today. A second run on one day replaces the first.
pub(crate) fn write(workspace: &Path, report: &crate::table::Report) -> anyhow::Result<()> {
    let file = folder(workspace).join(format!("{}.json", report.date));
    std::fs::create_dir_all(folder(workspace))?;
    std::fs::write(&file, serde_json::to_string_pretty(report)? + "\n")?;
    eprintln!("written: {}", file.display());
    Ok(())
}

/// All runs, ascending by date.
pub(crate) fn read(workspace: &Path) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for entry in std::fs::read_dir(folder(workspace)).context("there are no results: run the bench with --json")? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        runs.push(serde_json::from_str::<Run>(&text).with_context(|| format!("reading {}", path.display()))?);
    }
    runs.sort_by(|one, other| one.date.cmp(&other.date));
    Ok(runs)
}
