//! The rows of the table: each operation on the platform and on its baselines, one after another.

use std::path::Path;
use std::time::Duration;

use crate::baselines::Baselines;
use crate::load::{self, Connection, Script};
use crate::operation::Operation;
use crate::platform::{Platform, REUSE_OFF};
use crate::process::Server;
use crate::shop;
use crate::table::{Figure, Row};

pub(crate) const REUSED: &str = "switchyard";
pub(crate) const AFRESH: &str = "switchyard, reuse off";
pub(crate) const JOURNAL: &str = "journal, no Wasm";
pub(crate) const REDB: &str = "redb, no Wasm";
pub(crate) const NODE: &str = "node, hello";
pub(crate) const FIVE: &str = "five native processes";

const HOT_CONFLICTS: &str = "switchyard_call_conflicts_total{service=\"inventory\"}";
const HOT_COMMITS: &str = "switchyard_store_commits_total{service=\"inventory\"}";

/// The rows of the shop, and its two hosts to continue with: one as its manifest says, one without reuse.
pub(crate) struct Shop {
    pub(crate) rows: Vec<Row>,
    pub(crate) platform: Platform,
    pub(crate) afresh: Platform,
}

pub(crate) async fn measure(workspace: &Path, time: Duration, operations: &[Operation]) -> anyhow::Result<Shop> {
    eprintln!("preparing the shop");
    let platform = Platform::prepare(workspace, operations, time, &[]).await?;
    let afresh = Platform::prepare(workspace, &[], time, &[REUSE_OFF]).await?;
    let baselines = Baselines::start(workspace).await?;
    let mut rows = Vec::new();
    for &operation in operations {
        eprintln!("measuring: {}", operation.name());
        let mut figures = vec![on_platform(REUSED, &platform, operation, time).await?];
        if operation.reads() {
            figures.push(on_platform(AFRESH, &afresh, operation, time).await?);
        }
        figures.extend(on_baselines(&baselines, operation, time).await?);
        rows.push(Row { operation: operation.name(), connections: operation.connections(), figures });
    }
    baselines.stop().await?;
    Ok(Shop { rows, platform, afresh })
}

async fn on_platform(
    name: &'static str,
    platform: &Platform,
    operation: Operation,
    time: Duration,
) -> anyhow::Result<Figure> {
    let scripts = (0..operation.connections()).map(|connection| operation.on_platform(platform, connection));
    let processes = [&platform.server];
    let mut load = Load::new(name, &processes, scripts.collect());
    // What services call each other for only has a way in on the operator's side.
    if operation == Operation::HotReservation {
        load.address = platform.admin;
    }
    let before = platform.metrics().await?;
    let (mut figure, all) = load.run(time, move |status| operation.is_good(status)).await?;
    let after = platform.metrics().await?;
    let syncs = after.journal_syncs()? - before.journal_syncs()?;
    figure.fsyncs_per_request = (syncs > 0.0).then(|| syncs / all as f64);
    if operation == Operation::HotReservation {
        let since = |series| anyhow::Ok(after.value(series)? - before.value(series)?);
        figure.conflicts_per_commit = Some(since(HOT_CONFLICTS)? / since(HOT_COMMITS)?);
    }
    Ok(figure)
}

async fn on_baselines(baselines: &Baselines, operation: Operation, time: Duration) -> anyhow::Result<Vec<Figure>> {
    if operation == Operation::Nothing {
        return Ok(Vec::new());
    }
    let five: Vec<_> = baselines.five.iter().collect();
    let mut servers = vec![(JOURNAL, vec![&baselines.journal]), (REDB, vec![&baselines.redb])];
    if operation == Operation::GetItem {
        servers.extend(baselines.node.as_ref().map(|node| (NODE, vec![node])));
    }
    if operation == Operation::Checkout {
        servers.push((FIVE, five));
    }
    let mut figures = Vec::new();
    for (name, processes) in servers {
        let load = Load::new(name, &processes, (0..operation.connections()).map(|n| operation.on_native(n)).collect());
        if operation == Operation::Checkout {
            fill_carts(&load, operation.connections()).await?;
        }
        figures.push(load.run(time, move |status| operation.is_good(status)).await?.0);
    }
    Ok(figures)
}

/// Puts a line into the cart of each connection.
async fn fill_carts(load: &Load<'_>, connections: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(load.address).await?;
    for cart in 0..connections {
        let path = format!("/carts/x{cart}/lines/{}", shop::sku(cart));
        let quantity = serde_json::json!({ "quantity": 1 });
        shop::ask(&mut connection, "PUT", &path, None, Some(&quantity)).await?;
    }
    Ok(())
}

/// A load on one server, which may be several processes: the first one takes the requests.
pub(crate) struct Load<'a> {
    name: &'static str,
    processes: &'a [&'a Server],
    pub(crate) address: std::net::SocketAddr,
    scripts: Vec<Script>,
}

impl<'a> Load<'a> {
    pub(crate) fn new(name: &'static str, processes: &'a [&'a Server], scripts: Vec<Script>) -> Self {
        Self { name, processes, address: processes[0].address, scripts }
    }

    fn cpu_micros(&self) -> anyhow::Result<u64> {
        self.processes.iter().map(|process| process.cpu_micros()).sum()
    }

    /// Runs it; also returns the number of counted requests, including refused ones.
    pub(crate) async fn run(
        mut self,
        time: Duration,
        is_good: impl Fn(u16) -> bool + Copy + Send + 'static,
    ) -> anyhow::Result<(Figure, usize)> {
        let before = self.cpu_micros()?;
        let scripts = std::mem::take(&mut self.scripts);
        let report = load::run_expecting(self.address, scripts, time, is_good).await?;
        let cpu = self.cpu_micros()? - before;
        let refused = report.refused.values().sum();
        let all = report.requests + refused;
        // The warm-up before the counting used the server too.
        let share = report.elapsed.as_secs_f64() / (report.elapsed + time / 10).as_secs_f64();
        let figure = Figure {
            server: self.name,
            requests_per_second: report.per_second(),
            p50_micros: report.percentile(0.5).as_micros(),
            p99_micros: report.percentile(0.99).as_micros(),
            cpu_micros_per_request: cpu as f64 * share / all as f64,
            refused,
            fsyncs_per_request: None,
            conflicts_per_commit: None,
        };
        Ok((figure, all))
    }
}
