//! Load over HTTP/1.1: each connection sends its next request when the previous one is answered.
//!
//! The client is as simple as possible, so that on shared cores mainly the server is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// Writes the next request of one connection; returns whether there is one.
pub(crate) type Script = Box<dyn FnMut(&mut Vec<u8>) -> bool + Send>;

/// The results of one run of a load.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) requests: usize,
    pub(crate) elapsed: Duration,
    /// Latencies in microseconds, ascending.
    pub(crate) latencies: Vec<u32>,
    /// Answers that were not expected, usually those outside 200 to 299, by status.
    pub(crate) refused: std::collections::BTreeMap<u16, usize>,
}

impl Report {
    fn add(&mut self, (latencies, refused): Seen) {
        self.latencies.extend(latencies);
        for (status, count) in refused {
            *self.refused.entry(status).or_insert(0) += count;
        }
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that a `share` (0 to 1) of the requests did not exceed.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let position = (last as f64 * share).round() as usize;
        Duration::from_micros(self.latencies.get(position).copied().unwrap_or(0).into())
    }
}

/// One persistent connection.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Received bytes; the first `used` bytes are the previous answer.
    buffer: Vec<u8>,
    used: usize,
}

/// An answer's status and body.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        ensure!(address.ip().is_loopback(), "load goes to this machine only, not to {address}");
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024), used: 0 })
    }

    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        self.stream.write_all(request).await?;
        let (head, status, length) = loop {
            if let Some(head) = find_head(&self.buffer) {
                let text = std::str::from_utf8(&self.buffer[..head]).context("answer head is no text")?;
                break (head, status_of(text)?, length_of(text)?);
            }
            self.read_more().await?;
        };
        // Nothing follows an answer before the next request.
        while match length {
            Some(length) => self.buffer.len() < head + length,
            None => !self.buffer.ends_with(b"0\r\n\r\n"),
        } {
            self.read_more().await?;
        }
        self.used = length.map_or(self.buffer.len(), |length| head + length);
        Ok(Answer { status, body: &self.buffer[head..self.used] })
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

fn find_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn status_of(head: &str) -> anyhow::Result<u16> {
    head.get(9..12).and_then(|digits| digits.parse().ok()).context("answer has no status")
}

/// The bytes of the body; `None` if it is chunked, as that of a component that handles HTTP itself.
fn length_of(head: &str) -> anyhow::Result<Option<usize>> {
    if status_of(head)? == 204 {
        return Ok(Some(0));
    }
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return value.trim().parse().map(Some).context("answer has a bad length");
        }
        if line.eq_ignore_ascii_case("transfer-encoding: chunked") {
            return Ok(None);
        }
    }
    bail!("answer has no Content-Length: {head}")
}

/// Writes a request as it is sent.
pub(crate) fn request(out: &mut Vec<u8>, method: &str, path: &str, token: Option<&str>, body: Option<&str>) {
    use std::io::Write as _;
    out.clear();
    let mut write = || -> std::io::Result<()> {
        write!(out, "{method} {path} HTTP/1.1\r\nHost: localhost\r\n")?;
        if let Some(token) = token {
            write!(out, "Authorization: Bearer {token}\r\n")?;
        }
        match body {
            Some(body) => {
                write!(out, "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            }
            None => write!(out, "\r\n"),
        }
    };
    write().expect("writing to memory does not fail");
}

/// Runs `scripts`, one connection each, until they end or `time` is over. A warm-up of a tenth of `time` comes first
/// and does not count.
pub(crate) async fn run(address: SocketAddr, scripts: Vec<Script>, time: Duration) -> anyhow::Result<Report> {
    run_expecting(address, scripts, time, |status| (200..300).contains(&status)).await
}

/// Like [`run`]; answers whose status is not good count as refused.
pub(crate) async fn run_expecting(
    address: SocketAddr,
    scripts: Vec<Script>,
    time: Duration,
    is_good: impl Fn(u16) -> bool + Copy + Send + 'static,
) -> anyhow::Result<Report> {
    let (counts, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut connections = tokio::task::JoinSet::new();
    for script in scripts {
        connections.spawn(one(address, script, is_good, Arc::clone(&counts), Arc::clone(&stop)));
    }
    tokio::time::sleep(time / 10).await;
    counts.store(true, Ordering::Relaxed);
    let (begin, until) = (Instant::now(), tokio::time::Instant::now() + time);
    let mut report = Report { requests: 0, elapsed: time, latencies: Vec::new(), refused: Default::default() };
    while let Ok(Some(ended)) = tokio::time::timeout_at(until, connections.join_next()).await {
        report.add(ended??);
    }
    report.elapsed = begin.elapsed();
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = connections.join_next().await {
        report.add(ended??);
    }
    report.latencies.sort_unstable();
    report.requests = report.latencies.len();
    ensure!(report.requests > 0, "not one request was answered");
    Ok(report)
}

/// Connections that are opened at once, up to the answer to their first request.
static OPENING: Semaphore = Semaphore::const_new(16);

type Seen = (Vec<u32>, std::collections::BTreeMap<u16, usize>);

async fn one(
    address: SocketAddr,
    mut script: Script,
    is_good: impl Fn(u16) -> bool,
    counts: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Seen> {
    // The operator's side takes few connections whose token it does not know yet.
    let mut opening = Some(OPENING.acquire().await?);
    let mut connection = Connection::open(address).await?;
    let (mut latencies, mut refused) = (Vec::new(), std::collections::BTreeMap::new());
    let mut request = Vec::with_capacity(1024);
    while !stop.load(Ordering::Relaxed) && script(&mut request) {
        let begin = Instant::now();
        let status = connection.send(&request).await?.status;
        drop(opening.take());
        if counts.load(Ordering::Relaxed) {
            if is_good(status) {
                latencies.push(u32::try_from(begin.elapsed().as_micros()).unwrap_or(u32::MAX));
            } else {
                *refused.entry(status).or_insert(0) += 1;
            }
        }
    }
    Ok((latencies, refused))
}
