//! The machine and the moment of a run: figures mean nothing without them.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    pub(crate) kernel: String,
    /// One fdatasync of 4 KiB after another.
    pub(crate) fsync_ms: f64,
    /// Of the measured sources; `+` if they differ from it.
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn read(workspace: &Path) -> anyhow::Result<Self> {
        let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
        let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            cpu: cpu.map_or("unknown", |(_, name)| name).trim().to_owned(),
            kernel: kernel.trim().to_owned(),
            fsync_ms: 1e3 / fsyncs_per_second()?,
            commit: commit(workspace)?,
        })
    }
}

fn fsyncs_per_second() -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile()?;
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

fn commit(workspace: &Path) -> anyhow::Result<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(workspace).output().context("cannot run git")?;
        anyhow::Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let commit = git(&["rev-parse", "--short=10", "HEAD"])?;
    Ok(if changed.is_empty() { commit } else { format!("{commit}+") })
}

/// The date in UTC, such as `2026-11-30`.
pub(crate) fn today() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}
