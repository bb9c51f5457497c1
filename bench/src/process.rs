//! The measured servers: each a separate process, so that its CPU time is measured separately.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Ticks of CPU time per second in `/proc/<pid>/stat` on Linux.
const TICKS_PER_SECOND: u64 = 100;

/// Raises the limits per client address, because all clients have the same one here.
pub(crate) const ONE_ADDRESS: [(&str, &str); 4] = [
    ("SWITCHYARD_GATEWAY_REQUESTS_PER_SECOND_PER_CLIENT", "10000000"),
    ("SWITCHYARD_GATEWAY_REQUEST_BURST_PER_CLIENT", "10000000"),
    ("SWITCHYARD_GATEWAY_CALLS_PER_MINUTE_PER_CLIENT", "{}"),
    ("SWITCHYARD_GATEWAY_COSTLY_CALLS_PER_MINUTE_PER_CLIENT", "10000000"),
];

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts this program as a baseline of `kind`, with its options.
    pub(crate) async fn baseline(
        kind: &str,
        data: &Path,
        workspace: &Path,
        options: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", kind, "--data"]).arg(data).arg("--workspace").arg(workspace).args(options);
        Self::printing_address(command).await
    }

    /// Starts a command that prints its address when it serves.
    pub(crate) async fn printing_address(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the baseline ended")?;
        Ok(Self { child, address: line.trim().parse()? })
    }

    /// Starts a command that serves at `address`, and waits until its host is ready, at `ready`.
    pub(crate) async fn start(
        command: Command,
        address: SocketAddr,
        ready: SocketAddr,
    ) -> anyhow::Result<(Self, Duration)> {
        let begin = Instant::now();
        let mut server = Self::spawn(command, address)?;
        server.until_ready(ready, "/readyz").await?;
        Ok((server, begin.elapsed()))
    }

    /// Starts a command that serves at `address`, soon.
    pub(crate) fn spawn(mut command: Command, address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self { child: command.stdout(Stdio::null()).kill_on_drop(true).spawn()?, address })
    }

    /// Waits until a GET of `path` at `ready` is answered with 200.
    pub(crate) async fn until_ready(&mut self, ready: SocketAddr, path: &str) -> anyhow::Result<()> {
        let begin = Instant::now();
        while !answers(ready, path).await {
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("the server at {} ended with {status}", self.address);
            }
            ensure!(begin.elapsed() < Duration::from_secs(120), "{ready}{path} is not ready after two minutes");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// CPU time that the process has used, in microseconds.
    pub(crate) fn cpu_micros(&self) -> anyhow::Result<u64> {
        cpu_micros(&self.id()?.to_string())
    }

    /// Resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        resident_bytes(&self.id()?.to_string())
    }

    /// Begins to look for its peak of resident memory from now on; returns the resident memory in bytes.
    pub(crate) fn reset_peak_resident_bytes(&self) -> anyhow::Result<u64> {
        // The kernel's documentation of /proc gives 5 this meaning.
        std::fs::write(format!("/proc/{}/clear_refs", self.id()?), "5")?;
        self.resident_bytes()
    }

    /// The largest resident memory in bytes since the start, or the last reset.
    pub(crate) fn peak_resident_bytes(&self) -> anyhow::Result<u64> {
        memory_bytes(&self.id()?.to_string(), "VmHWM:")
    }

    /// Resident memory in bytes, including its children.
    pub(crate) fn resident_bytes_with_children(&self) -> anyhow::Result<u64> {
        let id = self.id()?;
        let mut sum = resident_bytes(&id.to_string())?;
        for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
            // A thread or a child that has just ended has no memory any more.
            let children = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
            sum += children.split_whitespace().map(|child| resident_bytes(child).unwrap_or(0)).sum::<u64>();
        }
        Ok(sum)
    }

    /// Kills it at once, in any state.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Stops it like an operator, and waits.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.id()?.to_string();
        ensure!(Command::new("kill").args(["-TERM", &id]).status().await?.success(), "kill -TERM {id}");
        tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.context("the server does not end")??;
        Ok(())
    }
}

impl Drop for Server {
    /// No process outlives the measurement, or writes into a folder that is being removed.
    fn drop(&mut self) {
        let begin = Instant::now();
        // It has already ended, unless the measurement was interrupted.
        if self.child.start_kill().is_err() {
            return;
        }
        while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn resident_bytes(id: &str) -> anyhow::Result<u64> {
    memory_bytes(id, "VmRSS:")
}

/// A line about memory in the status of the process `id`, in bytes.
fn memory_bytes(id: &str, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("status has {name}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) took: Duration,
    pub(crate) peak_resident_bytes: u64,
}

/// Runs a command to its end. A failure of the command is an error.
pub(crate) async fn run_measured(mut command: Command) -> anyhow::Result<Measured> {
    let begin = Instant::now();
    let mut child = command.stdout(Stdio::null()).kill_on_drop(true).spawn()?;
    let id = child.id().context("the command has ended")?.to_string();
    let mut peak_resident_bytes = 0;
    loop {
        // In its last moments it has no memory any more.
        peak_resident_bytes = memory_bytes(&id, "VmHWM:").unwrap_or(0).max(peak_resident_bytes);
        if let Ok(status) = tokio::time::timeout(Duration::from_millis(10), child.wait()).await {
            let status = status?;
            ensure!(status.success(), "{command:?} ended with {status}");
            return Ok(Measured { took: begin.elapsed(), peak_resident_bytes });
        }
    }
}

/// CPU time that the process `id`, or `self`, has used, in microseconds.
pub(crate) fn cpu_micros(id: &str) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may contain spaces; user and system time are fields 14 and 15, 11 and 12 after it.
    let (_, fields) = stat.rsplit_once(") ").context("stat has a name")?;
    let mut ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let (user, system) = (ticks.next().context("user time")??, ticks.next().context("system time")??);
    Ok((user + system) * 1_000_000 / TICKS_PER_SECOND)
}

async fn answers(ready: SocketAddr, path: &str) -> bool {
    let Ok(mut connection) = crate::load::Connection::open(ready).await else { return false };
    let mut request = Vec::new();
    crate::load::request(&mut request, "GET", path, None, None);
    connection.send(&request).await.is_ok_and(|answer| answer.status == 200)
}
