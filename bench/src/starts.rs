//! Starts: the time and memory that a host with much data needs after a clean stop.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use crate::guests::{self, FRONT_AND_BACK};
use crate::load::Connection;
use crate::shop::ask;

/// Keys of one commit, and bytes of each value: together just below the limit of a commit.
const COMMIT_KEYS: u64 = 500;
const VALUE_BYTES: u64 = 16_000;

/// The longest acceptable start, and the maximum of resident memory after it.
const READY_MAX: Duration = Duration::from_secs(2);
const RESIDENT_BYTES_MAX: u64 = 200_000_000;

#[derive(Debug, Serialize)]
pub(crate) struct StartReport {
    data_bytes: u64,
    entries: u64,
    ready_ms: u128,
    resident_bytes: u64,
}

/// Fills a store with `data_bytes`, stops the host in order, and starts it again.
pub(crate) async fn measure(workspace: &Path, data_bytes: u64) -> anyhow::Result<StartReport> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_BACK.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let token = guests::token(folder.path())?;
    let mut operator = Connection::open(admin).await?;
    let commits = data_bytes.div_ceil(COMMIT_KEYS * VALUE_BYTES);
    let began = Instant::now();
    for commit in 0..commits {
        if commit % 100 == 0 {
            eprintln!("writing: {commit} of {commits} commits, {:.0} s", began.elapsed().as_secs_f64());
        }
        let body = json!({ "script": format!("fill {commit:06}- {COMMIT_KEYS} {VALUE_BYTES}") });
        ask(&mut operator, "POST", "/services/back/call/write", Some(&token), Some(&body)).await?;
    }
    server.stop().await?;
    eprintln!("measuring: the next start");
    let began = Instant::now();
    let (server, _) = guests::start(folder.path(), &[]).await?;
    let ready = began.elapsed();
    // By then the memory of the start itself is freed or in use.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let resident_bytes = server.resident_bytes()?;
    server.stop().await?;
    let entries = commits * COMMIT_KEYS;
    Ok(StartReport { data_bytes: entries * VALUE_BYTES, entries, ready_ms: ready.as_millis(), resident_bytes })
}

impl StartReport {
    /// # Errors
    ///
    /// When the start took too long, or too much memory.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.ready_ms <= READY_MAX.as_millis(), "ready after {} ms, at most {READY_MAX:?}", self.ready_ms);
        let resident = self.resident_bytes;
        ensure!(resident <= RESIDENT_BYTES_MAX, "{resident} bytes resident, at most {RESIDENT_BYTES_MAX}");
        Ok(())
    }
}

impl fmt::Display for StartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_bytes, entries, ready_ms, resident_bytes } = self;
        let (gigabytes, megabytes) = (*data_bytes as f64 / 1e9, *resident_bytes as f64 / 1e6);
        writeln!(
            f,
            "start over {gigabytes:.1} GB in {entries} entries: ready after {ready_ms} ms, {megabytes:.0} MB resident"
        )
    }
}
