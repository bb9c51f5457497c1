//! A handover beside writes, and what the mirror costs that keeps the way back open.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::time::sleep;

use super::writes::{Sent, Writes};
use super::{
    BESIDE_WRITES_PERCENT_MAX, HANDOVER_SECONDS_MAX, HELD_MILLIS_MAX, IDLE_PERCENT_MAX, P99_RATIO_MAX, Shop,
    WRITES_PER_SECOND,
};
use crate::goals::Figure;
use crate::load::Connection;
use crate::metrics::{Histogram, Metrics};
use crate::shop::ask;

const HANDOVER: &str = "handover";
const MIRROR: &str = "mirror";

/// How often it asks how far the host is.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The longest wait for a handover, a mirror or a deletion.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

pub(super) async fn measure(workspace: &Path, shop: &Shop, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let operator = Operator { shop };
    eprintln!("measuring: {WRITES_PER_SECOND} writes/s without a mirror");
    let alone = beside_writes(shop, time).await?.0;
    eprintln!("measuring: the handover beside them");
    let component = workspace.join("target/wasm32-wasip2/release/alternative_inventory.wasm");
    let component = std::fs::read(component).context("the second implementations are built")?;
    let pauses = operator.pauses().await?;
    let (writes, began) = (Writes::start(shop), Instant::now());
    operator.hand_over(&component).await?;
    let took = began.elapsed();
    let beside = writes.stop().await?;
    let held = operator.pauses().await?.since(&pauses);
    eprintln!("measuring: the mirror back, until its copy is complete");
    let began = Instant::now();
    operator.until(|service| service["mirror"]["status"]["phase"] == "following" && behind(service) == 0).await?;
    let complete = began.elapsed();
    eprintln!("measuring: the mirror that follows");
    let idle_mirror = cpu_percent(shop, sleep(time)).await?.1;
    let (with_mirror, busy_mirror) = beside_writes(shop, time).await?;
    eprintln!("measuring: settling, and the same without a mirror");
    let service = operator.service().await?;
    let (all, copy) = (bytes(&service["storeBytes"])?, bytes(&service["mirror"]["bytes"])?);
    let began = Instant::now();
    operator.ask("POST", "/services/inventory/settle").await?;
    operator.until(|service| service["storeBytes"].as_u64().is_some_and(|now| now <= all - copy)).await?;
    let settled = began.elapsed();
    let idle = cpu_percent(shop, sleep(time)).await?.1;
    let (without, busy) = beside_writes(shop, time).await?;
    let refused: f64 = [&alone, &beside, &with_mirror, &without].map(|sent| f64::from(sent.refused)).iter().sum();
    let figure = |experiment, what, alone, beside, at_most| Figure { experiment, what, alone, beside, at_most };
    let seconds_max = shop.seconds_max(HANDOVER_SECONDS_MAX);
    let p99 = |sent: &Sent| sent.millis(0.99);
    Ok(vec![
        figure(HANDOVER, "from the deploy to the swap, s", 0.0, took.as_secs_f64(), seconds_max),
        figure(HANDOVER, "p50 of writes, ms", alone.millis(0.5), beside.millis(0.5), f64::INFINITY),
        figure(HANDOVER, "p99 of writes, ms", p99(&alone), p99(&beside), P99_RATIO_MAX * p99(&alone)),
        figure(HANDOVER, "longest write, ms", alone.millis(1.0), beside.millis(1.0), f64::INFINITY),
        figure(HANDOVER, "writes are held for, ms", 0.0, held_millis(&held), HELD_MILLIS_MAX),
        figure(HANDOVER, "attempts at the swap", 0.0, held.count, f64::INFINITY),
        figure(HANDOVER, "writes refused, in all loads", 0.0, refused, 0.0),
        figure(MIRROR, "from the swap to a complete copy, s", 0.0, complete.as_secs_f64(), seconds_max),
        figure(MIRROR, "an idle mirror, % of a core", idle, idle_mirror, idle + IDLE_PERCENT_MAX),
        figure(MIRROR, "beside 500 writes/s, % of a core", busy, busy_mirror, busy + BESIDE_WRITES_PERCENT_MAX),
        figure(MIRROR, "p99 of writes, ms", p99(&without), p99(&with_mirror), P99_RATIO_MAX * p99(&without)),
        figure(MIRROR, "from settling to its data deleted, s", 0.0, settled.as_secs_f64(), seconds_max),
    ])
}

/// The writes of `time`, and the host's CPU time beside them.
async fn beside_writes(shop: &Shop, time: Duration) -> anyhow::Result<(Sent, f64)> {
    let load = async {
        let writes = Writes::start(shop);
        sleep(time).await;
        writes.stop().await
    };
    let (sent, percent) = cpu_percent(shop, load).await?;
    let sent = sent?;
    ensure!(sent.count() > 0, "no write was answered");
    Ok((sent, percent))
}

/// Awaits `load`; also returns the CPU time that the host used meanwhile, in percent of a core.
async fn cpu_percent<T>(shop: &Shop, load: impl Future<Output = T>) -> anyhow::Result<(T, f64)> {
    let (before, began) = (shop.server.cpu_micros()?, Instant::now());
    let done = load.await;
    let used = (shop.server.cpu_micros()? - before) as f64 / 1e6;
    Ok((done, used / began.elapsed().as_secs_f64() * 100.0))
}

/// The longest time that calls were held for; an upper bound if they were held several times.
fn held_millis(held: &Histogram) -> f64 {
    match held.count as u64 {
        1 => held.sum * 1e3,
        _ => held.within(1.0).map_or(f64::INFINITY, |bound| bound * 1e3),
    }
}

fn behind(service: &Value) -> u64 {
    service["mirror"]["status"]["behindMs"].as_u64().unwrap_or(u64::MAX)
}

fn bytes(value: &Value) -> anyhow::Result<u64> {
    value.as_u64().with_context(|| format!("{value} is no number of bytes"))
}

/// The operator of the shop. Each request has a connection of its own: the host ends those that say nothing for long.
struct Operator<'a> {
    shop: &'a Shop,
}

impl Operator<'_> {
    async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.shop.admin).await
    }

    async fn ask(&self, method: &str, path: &str) -> anyhow::Result<Value> {
        ask(&mut self.connect().await?, method, path, Some(&self.shop.operator), None).await
    }

    async fn service(&self) -> anyhow::Result<Value> {
        self.ask("GET", "/services/inventory").await
    }

    /// Calls that were held for swaps so far.
    async fn pauses(&self) -> anyhow::Result<Histogram> {
        let metrics = Metrics::read(&mut self.connect().await?).await?;
        // Before the first one, the host does not show it.
        Ok(metrics.histogram("switchyard_swap_pause_seconds", "what=\"held\"").unwrap_or_default())
    }

    /// Deploys `component` with a handover, and waits until it is live.
    async fn hand_over(&self, component: &[u8]) -> anyhow::Result<()> {
        let mut bytes = format!(
            "POST /services/inventory/releases?handover=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/wasm\r\nContent-Length: {}\r\n\r\n",
            self.shop.operator,
            component.len()
        )
        .into_bytes();
        bytes.extend_from_slice(component);
        let mut connection = self.connect().await?;
        let answer = connection.send(&bytes).await?;
        let text = String::from_utf8_lossy(answer.body).into_owned();
        ensure!((200..300).contains(&answer.status), "the deploy is answered {}: {text}", answer.status);
        self.until(|service| service["mirror"]["wasLive"] == true).await
    }

    /// Waits until the inventory `is` in some state. An ended mirror is an error, unless that is the state.
    async fn until(&self, is: impl Fn(&Value) -> bool) -> anyhow::Result<()> {
        let (began, mut shown) = (Instant::now(), Instant::now());
        loop {
            let service = self.service().await?;
            if is(&service) {
                return Ok(());
            }
            if shown.elapsed() > Duration::from_secs(10) {
                shown = Instant::now();
                eprintln!("  {}", service["mirror"]["status"]);
            }
            ensure!(began.elapsed() < WAIT_MAX, "after {WAIT_MAX:?} the inventory is {service}");
            sleep(ASK_EVERY).await;
        }
    }
}
