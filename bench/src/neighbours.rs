//! Neighbours: the small durable writes of one service, alone and beside a service that commits as much as it can.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use crate::guests::{self, FRONT_AND_BACK};
use crate::load::{self, Script, request};

/// Clients of the small writes.
const SMALL_CONNECTIONS: usize = 8;

/// Clients of the large writes: enough that the next commit is ready when one ends.
const LARGE_CONNECTIONS: usize = 4;

/// Keys of a large commit, and bytes of each: together just below the limit of a commit.
const LARGE_KEYS: usize = 8;
const LARGE_VALUE_BYTES: usize = 1_000_000;

/// The largest acceptable ratio of the two p99.
const RATIO_MAX: f64 = 3.0;

#[derive(Debug, Serialize)]
pub(crate) struct NeighbourReport {
    alone: Latencies,
    beside: Latencies,
    large_commits_per_second: f64,
    p99_ratio: f64,
}

#[derive(Debug, Serialize)]
struct Latencies {
    requests_per_second: f64,
    p50_micros: u128,
    p99_micros: u128,
    refused: usize,
}

impl Latencies {
    fn of(report: &load::Report) -> Self {
        Self {
            requests_per_second: report.per_second(),
            p50_micros: report.percentile(0.5).as_micros(),
            p99_micros: report.percentile(0.99).as_micros(),
            refused: report.refused.values().sum(),
        }
    }
}

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<NeighbourReport> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_BACK.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let token = guests::token(folder.path())?;
    eprintln!("measuring: small writes alone");
    let alone = load::run(server.address, small_writes(), time).await?;
    eprintln!("measuring: small writes beside large ones");
    let (beside, large) =
        tokio::try_join!(load::run(server.address, small_writes(), time), large_writes(admin, &token, time))?;
    server.stop().await?;
    let (alone, beside) = (Latencies::of(&alone), Latencies::of(&beside));
    let p99_ratio = beside.p99_micros as f64 / alone.p99_micros.max(1) as f64;
    Ok(NeighbourReport { alone, beside, large_commits_per_second: large, p99_ratio })
}

fn small_writes() -> Vec<Script> {
    let script = |connection: usize| -> Script {
        let mut step = 0_usize;
        Box::new(move |out| {
            step += 1;
            let script = format!("set small-{connection}-{} {step}", step % 100);
            request(out, "POST", "/front", None, Some(&json!(script).to_string()));
            true
        })
    };
    (0..SMALL_CONNECTIONS).map(script).collect()
}

/// Makes commits of the maximum size, one after another; returns the number per second.
async fn large_writes(admin: SocketAddr, token: &str, time: Duration) -> anyhow::Result<f64> {
    let script = |connection: usize| -> Script {
        let token = token.to_owned();
        Box::new(move |out| {
            let script = json!({ "script": format!("fill large-{connection}- {LARGE_KEYS} {LARGE_VALUE_BYTES}") });
            request(out, "POST", "/services/back/call/write", Some(&token), Some(&script.to_string()));
            true
        })
    };
    let report = load::run(admin, (0..LARGE_CONNECTIONS).map(script).collect(), time).await?;
    Ok(report.per_second())
}

impl NeighbourReport {
    /// # Errors
    ///
    /// When the large commits of one service delay the small ones of another.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.p99_ratio <= RATIO_MAX,
            "p99 of small writes is {:.2} times of alone beside large ones, at most {RATIO_MAX} is acceptable",
            self.p99_ratio
        );
        Ok(())
    }
}

impl fmt::Display for NeighbourReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, latencies) in [("alone", &self.alone), ("beside large commits", &self.beside)] {
            let Latencies { requests_per_second, p50_micros, p99_micros, refused } = latencies;
            writeln!(
                f,
                "small durable writes, {name:<22} {requests_per_second:>8.0}/s  p50 {p50_micros:>8} µs  p99 {p99_micros:>8} µs  {refused} refused"
            )?;
        }
        writeln!(f, "large commits of the neighbour: {:.1}/s", self.large_commits_per_second)?;
        writeln!(f, "p99 beside them: {:.2} times of alone", self.p99_ratio)
    }
}
