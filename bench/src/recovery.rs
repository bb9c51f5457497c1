//! Recovery: calls that were interrupted by the end of the host, and the time after its start until all of them have
//! ended.
//!
//! Each call has written twice in another service when it fails. All calls fail until the test permits success. Then
//! the host is killed, and started again.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use crate::guests::{self, FRONT_AND_BACK};
use crate::load::{Connection, request};
use crate::metrics::Metrics;
use crate::shop::ask;

const CALLS: usize = 10_000;

/// Clients that make the calls: each waits for the deadline of its call.
const CONNECTIONS: usize = 250;

/// The longest time until the calls have ended.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// While calls begin, their clients wait only briefly, and no call is repeated.
const WHILE_BEGUN: [(&str, &str); 3] = [
    ("SWITCHYARD_LIMITS_DEADLINE_MS", "250"),
    ("SWITCHYARD_RETRIES_INTENT_RETRY_MS_MIN", "3600000"),
    ("SWITCHYARD_RETRIES_INTENT_RETRY_MS_MAX", "3600000"),
];

#[derive(Debug, Serialize)]
pub(crate) struct RecoveryReport {
    calls: usize,
    /// The time from the start of the process until it serves.
    ready_ms: u128,
    /// The time from the start of the process until all calls have ended.
    ended_ms: u128,
    /// Repeated runs that failed again.
    failed: f64,
    cpu_ms: u64,
}

pub(crate) async fn measure(workspace: &Path) -> anyhow::Result<RecoveryReport> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_BACK.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &WHILE_BEGUN).await?;
    let token = guests::token(folder.path())?;
    let mut operator = Connection::open(admin).await?;
    let tell = async |operator: &mut Connection, script: &str| {
        let body = json!({ "script": script });
        ask(operator, "POST", "/services/front/call/write", Some(&token), Some(&body)).await
    };
    tell(&mut operator, "set stop yes").await?;
    eprintln!("beginning {CALLS} calls");
    begin(server.address).await?;
    let open = metric(&mut operator, "switchyard_intents_open").await?;
    ensure!(open == CALLS as f64, "{open} calls are open");
    tell(&mut operator, "set stop no").await?;
    server.kill().await?;
    eprintln!("measuring: until they have ended");
    let began = Instant::now();
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let ready = began.elapsed();
    let mut operator = Connection::open(admin).await?;
    while metric(&mut operator, "switchyard_intents_open").await? > 0.0 {
        ensure!(began.elapsed() < WAIT_MAX, "calls are still open after {WAIT_MAX:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ended = began.elapsed();
    let attempts = metric(&mut operator, "switchyard_intent_attempts_total{result=\"ended\"}").await?;
    ensure!(attempts == CALLS as f64, "{attempts} calls have ended");
    let failed = metric(&mut operator, "switchyard_intent_attempts_total{result=\"failed\"}").await?;
    let cpu_ms = server.cpu_micros()? / 1000;
    server.stop().await?;
    Ok(RecoveryReport { calls: CALLS, ready_ms: ready.as_millis(), ended_ms: ended.as_millis(), failed, cpu_ms })
}

/// Begins all calls; none ends.
async fn begin(address: SocketAddr) -> anyhow::Result<()> {
    let mut connections = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        connections.spawn(async move {
            let (mut client, mut bytes) = (Connection::open(address).await?, Vec::new());
            for call in (connection..CALLS).step_by(CONNECTIONS) {
                let script = format!(
                    "back.write{{add a-{call}}}; back.write{{add b-{call}}}; if stop yes{{panic stopped}}; \
                     back.write{{add c-{call}}}; set n-{call} done"
                );
                request(&mut bytes, "POST", "/front", None, Some(&json!(script).to_string()));
                let status = client.send(&bytes).await?.status;
                ensure!(status == 504, "a call ended with {status}");
            }
            Ok(())
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}

async fn metric(operator: &mut Connection, series: &str) -> anyhow::Result<f64> {
    Metrics::read(operator).await?.value(series)
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, ready_ms, ended_ms, failed, cpu_ms } = self;
        let each = *cpu_ms as f64 * 1e3 / *calls as f64;
        writeln!(f, "{calls} calls that were cut short, after the start of the host")?;
        writeln!(f, "  it serves after           {ready_ms:>8} ms")?;
        writeln!(f, "  all have ended after      {ended_ms:>8} ms")?;
        writeln!(f, "  runs that failed again    {failed:>8}")?;
        writeln!(f, "  CPU of the host           {cpu_ms:>8} ms, {each:.0} µs each")
    }
}
