//! The host as a separate process, which can be killed.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinSet;

use crate::http::Client;
use crate::json::text;
use crate::manifest::manifest;
use crate::shop::{PATIENCE_MS, Staff, operator};

/// Raises the limits per client address, because all clients have the same one here.
const ONE_ADDRESS: [(&str, &str); 4] = [
    ("SWITCHYARD_GATEWAY_REQUESTS_PER_SECOND_PER_CLIENT", "10000000"),
    ("SWITCHYARD_GATEWAY_REQUEST_BURST_PER_CLIENT", "10000000"),
    ("SWITCHYARD_GATEWAY_CALLS_PER_MINUTE_PER_CLIENT", "{}"),
    ("SWITCHYARD_GATEWAY_COSTLY_CALLS_PER_MINUTE_PER_CLIENT", "10000000"),
];

/// Maximum of log lines that are kept of a process; the last ones are kept.
const LOG_LINES_MAX: usize = 1000;

/// Lines of the log that an error at the start shows.
const LOG_LINES_SHOWN: usize = 5;

/// A shop in a separate process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    pub client: Client,
    /// The operator's side.
    pub operator: Client,
    child: Child,
    log: JoinSet<VecDeque<String>>,
}

impl Process {
    /// Runs `program` with the data directory `data`; the shop is open when this returns.
    ///
    /// # Errors
    ///
    /// When the process ends instead. The error contains the process's error, or the last line of its log.
    pub async fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        Self::start_with(program, data, &[]).await
    }

    /// Like [`Process::start`], with additional environment variables.
    ///
    /// # Errors
    ///
    /// Like [`Process::start`].
    pub async fn start_with(program: &Path, data: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let patience = PATIENCE_MS.to_string();
        let mut child = Command::new(program)
            .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--manifest"])
            .arg(manifest()?)
            .arg("--data")
            .arg(data)
            .env("SWITCHYARD_HOST_LOG_FORMAT", "json")
            .env("SWITCHYARD_GATEWAY_ACCESS_LOG", "false")
            .env("SWITCHYARD_LIMITS_DEADLINE_MS", &patience)
            .env("SWITCHYARD_LIMITS_WAIT_MS_MAX", &patience)
            .envs(ONE_ADDRESS)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stderr = child.stderr.take().context("stderr is a pipe")?;
        let mut lines = BufReader::new(stderr).lines();
        match doors(&mut lines, data).await {
            Ok((client, operator)) => {
                let mut log = JoinSet::new();
                log.spawn(last_lines(lines));
                Ok(Self { client, operator, child, log })
            }
            Err(error) => {
                // The next process on the same data must not meet this one.
                child.kill().await?;
                let log = Vec::from(last_lines(lines).await);
                let end = log.get(log.len().saturating_sub(LOG_LINES_SHOWN)..).unwrap_or_default();
                Err(if end.is_empty() { error } else { error.context(end.join("\n")) })
            }
        }
    }

    /// Signs in a member of the staff.
    ///
    /// # Errors
    ///
    /// When the shop refuses, as it does the second time.
    pub async fn staff(&self) -> anyhow::Result<Staff> {
        Staff::hire(&self.client, &self.operator).await
    }

    /// Kills it with SIGKILL, unless it has ended; it is gone when this returns. Returns the last lines of its log
    /// while it served.
    ///
    /// # Errors
    ///
    /// When it cannot be killed.
    pub async fn kill(mut self) -> anyhow::Result<Vec<String>> {
        self.child.kill().await?;
        let lines = self.log.join_next().await.transpose()?.unwrap_or_default();
        Ok(lines.into())
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Errors
    ///
    /// When it has ended, or the signal cannot be sent.
    pub async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let id = self.child.id().context("the process has ended")?.to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().await?;
        anyhow::ensure!(sent.success(), "kill -{signal} {id}");
        Ok(())
    }

    /// Resolves when it has ended by itself, with its exit status.
    ///
    /// # Errors
    ///
    /// When the status cannot be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }
}

/// Reads to the end, so that the process never waits for a reader.
async fn last_lines(mut log: Lines<BufReader<ChildStderr>>) -> VecDeque<String> {
    let mut last = VecDeque::new();
    while let Ok(Some(line)) = log.next_line().await {
        if last.len() == LOG_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line);
    }
    last
}

/// Clients of the shop and of its operator API.
async fn doors(log: &mut Lines<BufReader<ChildStderr>>, data: &Path) -> anyhow::Result<(Client, Client)> {
    let (public, admin) = addresses(log).await?;
    Ok((Client::of_shop(public).await?, operator(admin, data)?))
}

/// The two addresses, from the log line in which the host says that it serves.
async fn addresses(log: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let (mut last, mut error) = (String::new(), Vec::new());
    while let Some(line) = log.next_line().await? {
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Ok(public) = text(&fields, "/public") {
            return Ok((public.parse()?, text(&fields, "/operator")?.parse()?));
        }
        // An error of the host itself is not a line of the log, and may have several lines.
        if !fields.is_object() && error.len() < LOG_LINES_MAX {
            error.push(line.clone());
        }
        last = line;
    }
    if error.is_empty() {
        anyhow::bail!("the host ended; the last line of its log: {last}")
    }
    anyhow::bail!("the host ended: {}", error.join("\n"))
}
