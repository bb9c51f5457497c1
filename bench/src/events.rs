//! Events: the time from commit to delivery, at a fixed rate of events.
//!
//! One service emits events, another handles each and writes it into its own store. The final content of that store
//! shows whether each was handled once, and in order.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use crate::guests::{self, Guests};
use crate::load::{Connection, request};
use crate::metrics::Metrics;
use crate::pace;
use crate::process::Server;
use crate::shop::ask;

const GUESTS: Guests = Guests {
    manifest: &[r#"
[gateway]
access_log = false

[services.source]
contract = "test:events/source-service@1.0.0"
component = "emits.wasm"

[services.sink]
contract = "test:events/sink-service@1.0.0"
component = "takes.wasm"
"#],
    contracts: &["events"],
    components: &["emits.wasm", "takes.wasm"],
};

const LABELS: &str = r#"service="sink",from="source""#;

/// The longest time for the delivery of the last events.
const WAIT_MAX: Duration = Duration::from_secs(300);

/// The rate of events.
#[derive(Debug, Clone, Copy)]
struct Pace {
    calls_per_second: u32,
    events_per_call: u32,
}

const PACES: [Pace; 2] =
    [Pace { calls_per_second: 250, events_per_call: 20 }, Pace { calls_per_second: 1_000, events_per_call: 1 }];

/// The results of one pace. Lags are from the commit of an event to the commit of its handler; each is an upper bound,
/// or `None` beyond the last bound of the metrics.
#[derive(Debug, Serialize)]
struct Row {
    calls_per_second: u32,
    events_per_call: u32,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    longest_ms: Option<f64>,
    emitted: u32,
    /// As counted by the host.
    delivered: f64,
    /// Calls whose events are not in the other service's store exactly once and in order.
    wrong_calls: usize,
    /// The time from the answer to the last call until the last event was delivered.
    drained_ms: u128,
    /// The longest delay of a call: if it is long, the rate was not kept.
    behind_ms: u128,
    /// For the whole host: the calls that emit events, and the deliveries.
    cpu_micros_per_event: f64,
    fsyncs: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct EventsReport {
    rows: Vec<Row>,
}

/// A host with both services.
struct Rig {
    server: Server,
    admin: SocketAddr,
    operator: Connection,
    token: String,
}

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<EventsReport> {
    let mut rows = Vec::new();
    for pace in PACES {
        let folder = tempfile::tempdir()?;
        GUESTS.prepare(workspace, folder.path())?;
        let (server, admin) = guests::start(folder.path(), &[]).await?;
        let (operator, token) = (Connection::open(admin).await?, guests::token(folder.path())?);
        let mut rig = Rig { server, admin, operator, token };
        eprintln!("measuring: {pace}");
        rows.push(rig.measure(pace, time).await?);
        rig.server.stop().await?;
    }
    Ok(EventsReport { rows })
}

impl EventsReport {
    /// # Errors
    ///
    /// When an event was not delivered, or more than once.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for Row { emitted, delivered, wrong_calls, .. } in &self.rows {
            ensure!(*delivered == f64::from(*emitted), "{delivered} events were delivered of {emitted}");
            ensure!(*wrong_calls == 0, "the events of {wrong_calls} calls were not taken once each, in their order");
        }
        Ok(())
    }
}

impl Rig {
    async fn measure(&mut self, pace: Pace, time: Duration) -> anyhow::Result<Row> {
        let calls = |time: Duration| (time.as_secs_f64() * f64::from(pace.calls_per_second)).ceil() as u32;
        let (before, all) = (calls(time / 10), calls(time / 10) + calls(time));
        // The first events do not count, because new code and connections cost more.
        self.emit(pace, 0..before).await?;
        self.wait_delivered(before * pace.events_per_call).await?;
        let (earlier, cpu_before) = (Metrics::read(&mut self.operator).await?, self.server.cpu_micros()?);
        let behind = self.emit(pace, before..all).await?;
        let ended = Instant::now();
        let metrics = self.wait_delivered(all * pace.events_per_call).await?;
        let drained = ended.elapsed();
        let cpu = self.server.cpu_micros()? - cpu_before;
        let lags = |metrics: &Metrics| metrics.histogram("switchyard_events_delivery_seconds", LABELS);
        let lags = lags(&metrics)?.since(&lags(&earlier)?);
        let within_ms = |share| lags.within(share).map(|seconds| seconds * 1e3);
        let emitted = (all - before) * pace.events_per_call;
        Ok(Row {
            calls_per_second: pace.calls_per_second,
            events_per_call: pace.events_per_call,
            p50_ms: within_ms(0.5),
            p99_ms: within_ms(0.99),
            longest_ms: within_ms(1.0),
            emitted,
            delivered: lags.count,
            wrong_calls: self.wrong_calls(pace, all).await?,
            drained_ms: drained.as_millis(),
            behind_ms: behind.as_millis(),
            cpu_micros_per_event: cpu as f64 / f64::from(emitted),
            fsyncs: metrics.journal_syncs()? - earlier.journal_syncs()?,
        })
    }

    /// Makes calls that emit events; returns the longest delay of a call.
    async fn emit(&self, pace: Pace, calls: std::ops::Range<u32>) -> anyhow::Result<Duration> {
        let (token, events) = (self.token.clone(), pace.events_per_call);
        pace::run(self.admin, pace.calls_per_second, calls, move |call, out| {
            let body = json!({ "script": format!("emit-each 0 {events} key {{append call-{call}}}") }).to_string();
            request(out, "POST", "/services/source/call/run", Some(&token), Some(&body));
        })
        .await
    }

    /// Waits until `events` have been delivered since the start, or nothing more arrives.
    async fn wait_delivered(&mut self, events: u32) -> anyhow::Result<Metrics> {
        let begin = Instant::now();
        loop {
            let metrics = Metrics::read(&mut self.operator).await?;
            let delivered = metrics.value(&format!("switchyard_events_delivered_total{{{LABELS}}}"))?;
            if delivered >= f64::from(events) || begin.elapsed() > WAIT_MAX {
                return Ok(metrics);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn wrong_calls(&mut self, pace: Pace, calls: u32) -> anyhow::Result<usize> {
        let right = (0..pace.events_per_call).map(|event| event.to_string()).collect::<Vec<_>>().join(" ");
        let mut wrong = 0;
        for call in 0..calls {
            let key = json!({ "key": format!("call-{call}") });
            let path = "/services/sink/call/look";
            let taken = ask(&mut self.operator, "POST", path, Some(&self.token), Some(&key)).await?;
            wrong += usize::from(taken != json!(right));
        }
        Ok(wrong)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls_per_second, events_per_call } = self;
        write!(f, "{} events/s, {events_per_call} in a call", calls_per_second * events_per_call)
    }
}

impl fmt::Display for EventsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:>8} {:>8} {:>10} {:>9} {:>9} {:>6} {:>10} {:>10} {:>8} {:>8}",
            "delivered after (ms)",
            "p50",
            "p99",
            "longest",
            "emitted",
            "delivered",
            "wrong",
            "drained in",
            "behind by",
            "CPU µs",
            "fsyncs"
        )?;
        let within = |bound: &Option<f64>| bound.map_or_else(|| "more".into(), |bound| format!("≤ {bound}"));
        for row in &self.rows {
            let Row { calls_per_second, events_per_call, emitted, delivered, wrong_calls, .. } = row;
            let name = Pace { calls_per_second: *calls_per_second, events_per_call: *events_per_call }.to_string();
            let [p50, p99, longest] = [&row.p50_ms, &row.p99_ms, &row.longest_ms].map(within);
            let Row { drained_ms, behind_ms, cpu_micros_per_event, fsyncs, .. } = row;
            writeln!(
                f,
                "{name:<28} {p50:>8} {p99:>8} {longest:>10} {emitted:>9} {delivered:>9} {wrong_calls:>6} \
                 {drained_ms:>10} {behind_ms:>10} {cpu_micros_per_event:>8.1} {fsyncs:>8}"
            )?;
        }
        writeln!(f, "CPU of the whole host for one event, its part of the call that emits it included")
    }
}
