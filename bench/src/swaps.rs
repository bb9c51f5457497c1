//! Swaps under load: the time of a deploy and a rollback, and the effect on callers.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::load::{self, Connection, Report, Script, request};
use crate::operation::{cart_lines, get_item};
use crate::pauses::Pauses;
use crate::platform::start_host;
use crate::process::Server;
use crate::shop;

const SERVICES: [&str; 5] = ["account", "cart", "inventory", "payment", "shipping"];

/// Concurrent callers: half of them read items, half of them write into carts.
const CONNECTIONS: usize = 32;

const ITEMS: usize = 200;

/// The callers' results during one period of load.
#[derive(Debug, Serialize)]
struct Stretch {
    requests_per_second: f64,
    p50_micros: u128,
    p99_micros: u128,
    longest_micros: u128,
    failed: usize,
    swaps: usize,
}

/// Milliseconds, of several attempts.
#[derive(Debug, Serialize)]
struct Times {
    shortest: f64,
    median: f64,
    longest: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct SwapReport {
    /// From the first byte of an upload until its release is live; the component was never compiled before.
    deploy_new_ms: Times,
    /// The same with a component that was compiled before.
    deploy_known_ms: Times,
    rollback_ms: Times,
    without_swaps: Stretch,
    /// A deploy or rollback of each service in turn, one per second.
    with_swaps: Stretch,
    /// As many as possible, one after another.
    with_many_swaps: Stretch,
    /// A single caller shares the machine only with the operator: any additional wait is caused by the swap.
    alone: Stretch,
    alone_with_swaps: Stretch,
    /// The pauses of all these swaps, measured at the pointer.
    pauses: Pauses,
}

/// The component of each service, and the number of variants so far.
struct Operator {
    admin: SocketAddr,
    token: String,
    components: Vec<Vec<u8>>,
}

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<SwapReport> {
    let data = tempfile::tempdir()?;
    eprintln!("preparing the shop");
    let (server, admin, _) = start_host(workspace, data.path()).await?;
    let staff = shop::staff(server.address, admin, data.path()).await?;
    shop::stock(server.address, &staff, ITEMS).await?;
    let carts = shop::carts(server.address, None, 512, None).await?;
    let operator = Operator::new(workspace, data.path(), admin)?;
    eprintln!("measuring: deploys and rollbacks without load");
    let deploy_new_ms =
        operator.times(|operator, try_| async move { operator.deploy(try_ % 5, 100 + try_).await }).await?;
    for service in 0..SERVICES.len() {
        for variant in [0, 1] {
            operator.deploy(service, variant).await?;
        }
    }
    let deploy_known_ms =
        operator.times(|operator, try_| async move { operator.deploy(try_ % 5, try_ % 2).await }).await?;
    let rollback_ms = operator.times(|operator, try_| async move { operator.back(try_ % 5).await }).await?;
    let mut stretches = Vec::new();
    for (name, callers, pause) in [
        ("without swaps", CONNECTIONS, None),
        ("a swap a second", CONNECTIONS, Some(Duration::from_secs(1))),
        ("one swap after the other", CONNECTIONS, Some(Duration::ZERO)),
        ("one caller, without swaps", 1, None),
        ("one caller, ten swaps a second", 1, Some(Duration::from_millis(100))),
    ] {
        eprintln!("measuring: {name}");
        stretches.push(stretch(&server, &operator, &carts, time, (callers, pause)).await?);
    }
    let pauses = Pauses::of(admin).await?;
    server.stop().await?;
    let [without_swaps, with_swaps, with_many_swaps, alone, alone_with_swaps] =
        <[Stretch; 5]>::try_from(stretches).map_err(|_| anyhow::anyhow!("five stretches"))?;
    Ok(SwapReport {
        deploy_new_ms,
        deploy_known_ms,
        rollback_ms,
        without_swaps,
        with_swaps,
        with_many_swaps,
        alone,
        alone_with_swaps,
        pauses,
    })
}

/// Loads the shop for `time`, while the operator swaps every `pause`, if there is one.
async fn stretch(
    server: &Server,
    operator: &Operator,
    carts: &[String],
    time: Duration,
    (callers, pause): (usize, Option<Duration>),
) -> anyhow::Result<Stretch> {
    let each = carts.len() / CONNECTIONS;
    let scripts: Vec<Script> = (0..callers)
        .map(|connection| match connection % 2 {
            0 => get_item(connection * 7919, ITEMS),
            _ => cart_lines(connection, carts[connection * each..][..each].to_vec()),
        })
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let load = async {
        let report = load::run(server.address, scripts, time).await;
        stop.store(true, Ordering::Relaxed);
        report
    };
    let swapping = async {
        let mut swaps = 0;
        while let Some(pause) = pause.filter(|_| !stop.load(Ordering::Relaxed)) {
            // Alternates: each component was compiled before.
            match swaps % 2 {
                0 => operator.deploy(swaps / 2 % 5, swaps / 10 % 2).await.map(drop)?,
                _ => operator.back(swaps / 2 % 5).await.map(drop)?,
            }
            swaps += 1;
            tokio::time::sleep(pause).await;
        }
        anyhow::Ok(swaps)
    };
    let (report, swaps) = tokio::join!(load, swapping);
    Ok(Stretch::new(&report?, swaps?))
}

impl Stretch {
    fn new(report: &Report, swaps: usize) -> Self {
        Self {
            requests_per_second: report.per_second(),
            p50_micros: report.percentile(0.5).as_micros(),
            p99_micros: report.percentile(0.99).as_micros(),
            longest_micros: report.percentile(1.0).as_micros(),
            failed: report.refused.values().sum(),
            swaps,
        }
    }
}

impl Operator {
    fn new(workspace: &Path, data: &Path, admin: SocketAddr) -> anyhow::Result<Self> {
        let token = std::fs::read_to_string(data.join("admin-token"))?.trim().to_owned();
        let read =
            |service: &&str| std::fs::read(workspace.join(format!("target/wasm32-wasip2/release/{service}.wasm")));
        let components =
            SERVICES.iter().map(read).collect::<Result<_, _>>().context("the shop's components are built")?;
        Ok(Self { admin, token, components })
    }

    /// Makes a variant of a service's component live: the same code with another digest.
    async fn deploy(&self, service: usize, variant: usize) -> anyhow::Result<Duration> {
        let mut component = self.components[service].clone();
        let name = format!("variant {variant}");
        // A custom section (component model, binary format): its id, its size, and its name preceded by the length.
        component.extend([0, u8::try_from(name.len())? + 1, u8::try_from(name.len())?]);
        component.extend(name.bytes());
        let path = format!("/services/{}/releases?reason=measured", SERVICES[service]);
        let mut bytes = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/wasm\r\nContent-Length: {}\r\n\r\n",
            self.token,
            component.len()
        )
        .into_bytes();
        bytes.extend(component);
        self.send(&bytes).await
    }

    /// Rolls back to the previous release.
    async fn back(&self, service: usize) -> anyhow::Result<Duration> {
        let mut bytes = Vec::new();
        request(&mut bytes, "POST", &format!("/services/{}/rollback", SERVICES[service]), Some(&self.token), Some(""));
        self.send(&bytes).await
    }

    async fn send(&self, bytes: &[u8]) -> anyhow::Result<Duration> {
        let mut connection = Connection::open(self.admin).await?;
        let began = Instant::now();
        let answer = connection.send(bytes).await?;
        let took = began.elapsed();
        let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        ensure!((200..300).contains(&answer.status), "the operator is refused: {} {body}", answer.status);
        Ok(took)
    }

    async fn times<'o, F: Future<Output = anyhow::Result<Duration>>>(
        &'o self,
        act: impl Fn(&'o Self, usize) -> F,
    ) -> anyhow::Result<Times> {
        let mut all = Vec::new();
        for try_ in 0..10 {
            all.push(act(self, try_).await?.as_secs_f64() * 1e3);
        }
        all.sort_by(f64::total_cmp);
        Ok(Times { shortest: all[0], median: all[all.len() / 2], longest: all[all.len() - 1] })
    }
}

impl fmt::Display for SwapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<42} {:>10} {:>10} {:>10}", "the operator waits (ms)", "shortest", "median", "longest")?;
        for (name, Times { shortest, median, longest }) in [
            ("deploy, compile included", &self.deploy_new_ms),
            ("deploy, compiled before", &self.deploy_known_ms),
            ("rollback", &self.rollback_ms),
        ] {
            writeln!(f, "{name:<42} {shortest:>10.1} {median:>10.1} {longest:>10.1}")?;
        }
        let heading = format!("callers see ({CONNECTIONS} connections)");
        writeln!(
            f,
            "\n{heading:<42} {:>10} {:>10} {:>10} {:>11} {:>8} {:>8}",
            "requests/s", "p50 µs", "p99 µs", "longest µs", "swaps", "failed"
        )?;
        for (name, stretch) in [
            ("without swaps", &self.without_swaps),
            ("a swap a second", &self.with_swaps),
            ("one swap after the other", &self.with_many_swaps),
            ("one caller, without swaps", &self.alone),
            ("one caller, ten swaps a second", &self.alone_with_swaps),
        ] {
            let calm = if name.starts_with("one caller") { &self.alone } else { &self.without_swaps };
            let calm = calm.p99_micros.max(1) as f64;
            let Stretch { requests_per_second, p50_micros, p99_micros, longest_micros, failed, swaps } = stretch;
            let ratio = *p99_micros as f64 / calm;
            writeln!(
                f,
                "{name:<42} {requests_per_second:>10.0} {p50_micros:>10} {p99_micros:>10} {longest_micros:>11} \
                 {swaps:>8} {failed:>8}   p99 {ratio:.2} x"
            )?;
        }
        write!(f, "\n{}", self.pauses)
    }
}
