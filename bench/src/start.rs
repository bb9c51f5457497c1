//! Starts of the whole shop with compiled components, and the size of the program.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::Connection;
use crate::platform::start_host;
use crate::shop::{ask, sku};
use crate::targets::{Bound, Target};

pub(crate) const NAME: &str = "start to first answer, compiled";
pub(crate) const BINARY: &str = "host binary";

/// Starts, of which the median counts.
const STARTS: usize = 5;

/// The time after which the memory of the start itself is free or in use.
const SETTLED: Duration = Duration::from_secs(2);

pub(crate) struct Start {
    pub(crate) first_answer_ms: f64,
    pub(crate) resident_bytes: u64,
}

/// Starts the host of `data` again, which has its compiled code and items there.
pub(crate) async fn measure(workspace: &Path, data: &Path) -> anyhow::Result<Start> {
    eprintln!("measuring: {NAME}");
    let (mut all, mut resident_bytes) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let began = Instant::now();
        let (server, _, _) = start_host(workspace, data).await?;
        ask(&mut Connection::open(server.address).await?, "GET", &format!("/items/{}", sku(0)), None, None).await?;
        all.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(SETTLED).await;
        resident_bytes = server.resident_bytes()?;
        server.stop().await?;
    }
    all.sort_by(f64::total_cmp);
    Ok(Start { first_answer_ms: all[STARTS / 2], resident_bytes })
}

impl Start {
    pub(crate) fn target(&self) -> Target {
        Target::absolute(NAME, "ms, median of five", self.first_answer_ms, Bound::AtMost(60.0))
    }
}

pub(crate) fn binary(workspace: &Path) -> anyhow::Result<Target> {
    let bytes = std::fs::metadata(workspace.join("target/release/switchyard"))?.len();
    Ok(Target::absolute(BINARY, "MB", bytes as f64 / 1e6, Bound::AtMost(40.0)))
}
