//! The host as a process of its own, which can be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::http::Client;
use crate::json::text;
use crate::shop::{PATIENCE_MS, Staff, operator, workspace};

/// A shop in a process of its own. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    pub client: Client,
    operator: Client,
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Process {
    /// Runs `program` over the data directory `data`; the shop is open when this returns.
    ///
    /// # Errors
    ///
    /// When it ends instead, with the last line that it logged.
    pub async fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        let patience = PATIENCE_MS.to_string();
        let mut child = Command::new(program)
            .args(["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--manifest"])
            .arg(workspace().join("switchyard.toml"))
            .arg("--data")
            .arg(data)
            .env("SWITCHYARD_HOST_LOG_FORMAT", "json")
            .env("SWITCHYARD_GATEWAY_ACCESS_LOG", "false")
            .env("SWITCHYARD_LIMITS_DEADLINE_MS", &patience)
            .env("SWITCHYARD_LIMITS_WAIT_MS_MAX", &patience)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stderr = child.stderr.take().context("stderr is a pipe")?;
        let mut log = BufReader::new(stderr).lines();
        let (public, admin) = addresses(&mut log).await?;
        Ok(Self { client: Client::of_shop(public).await?, operator: operator(admin, data)?, child, log })
    }

    /// Signs in a member of the staff.
    ///
    /// # Errors
    ///
    /// When the shop refuses, as it does the second time.
    pub async fn staff(&self) -> anyhow::Result<Staff> {
        Staff::hire(&self.client, &self.operator).await
    }

    /// Kills it with SIGKILL; it is gone when this returns. Gives what it had logged while it served.
    ///
    /// # Errors
    ///
    /// When it cannot be killed.
    pub async fn kill(mut self) -> anyhow::Result<Vec<String>> {
        self.child.kill().await?;
        let mut lines = Vec::new();
        while let Some(line) = self.log.next_line().await? {
            lines.push(line);
        }
        Ok(lines)
    }
}

/// The two addresses, from the line in which the host says that it serves.
async fn addresses(log: &mut Lines<BufReader<ChildStderr>>) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut last = String::new();
    while let Some(line) = log.next_line().await? {
        let fields: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Ok(public) = text(&fields, "/public") {
            return Ok((public.parse()?, text(&fields, "/operator")?.parse()?));
        }
        last = line;
    }
    anyhow::bail!("the host ended: {last}")
}
