//! The NATS servers: each a process with a store of its own, which can be killed and started again.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::{Client, workspace};
use tokio::process::{Child, Command};

use super::plan::NODES;

/// The longest time until a server has what it missed.
const READY_MAX: Duration = Duration::from_secs(60);

/// The time between two questions, and how long each may take.
const PAUSE: Duration = Duration::from_millis(20);
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A NATS server. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    name: String,
    pub(super) clients: SocketAddr,
    monitoring: Client,
    folder: PathBuf,
    process: Option<Child>,
}

/// The program; `None` where it is not installed.
pub(super) fn program() -> Option<PathBuf> {
    let program = workspace().join("target/nats/bin/nats-server");
    program.is_file().then_some(program)
}

impl Server {
    /// Servers that know each other, with their stores in `folder`. `ports` are those for clients, of the monitoring, and
    /// between the servers.
    pub(super) async fn start_all(folder: &Path, ports: [&[SocketAddr]; 3]) -> anyhow::Result<Vec<Self>> {
        let [clients, monitoring, routes] = ports;
        let all: Vec<_> = routes.iter().map(|route| format!("nats://{route}")).collect();
        let mut servers = Vec::new();
        for (number, ((clients, monitoring), route)) in clients.iter().zip(monitoring).zip(routes).enumerate() {
            let name = format!("n{number}");
            let folder = folder.join(&name);
            std::fs::create_dir(&folder)?;
            // Clients do not hear of the other servers: each host has links of its own to them.
            let configuration = format!(
                "server_name: {name}\nlisten: \"{clients}\"\nhttp: \"{monitoring}\"\n\
                 jetstream: {{ store_dir: {:?}, sync_interval: always }}\n\
                 cluster: {{ name: crash, listen: \"{route}\", no_advertise: true, routes: [{}] }}\n",
                folder.join("store"),
                all.join(", ")
            );
            std::fs::write(folder.join("nats.conf"), configuration)?;
            let monitoring = Client::new(*monitoring);
            let mut server = Self { name, clients: *clients, monitoring, folder, process: None };
            server.spawn()?;
            servers.push(server);
        }
        for server in &servers {
            server.until_ready().await?;
        }
        Ok(servers)
    }

    /// Starts it again, and waits until it has what it missed.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        self.until_ready().await
    }

    pub(super) fn spawn(&mut self) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = Command::new(program().context("the NATS server is installed")?);
        command.arg("--config").arg(self.folder.join("nats.conf")).kill_on_drop(true);
        self.process = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?);
        Ok(())
    }

    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.process.take().context("the NATS server runs")?.kill().await?)
    }

    pub(super) async fn until_ready(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        while self.ask("GET /healthz").await.is_none() {
            anyhow::ensure!(begin.elapsed() < READY_MAX, "the NATS server {} is not ready", self.name);
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn ask(&self, line: &str) -> Option<Value> {
        let answer = tokio::time::timeout(ANSWER_MAX, self.monitoring.ask(line)).await.ok()?.ok()?;
        answer.status.is_success().then_some(answer.body)
    }

    /// The name of the server that leads the stream of the journal, by what this one knows.
    async fn stream_leader(&self) -> Option<String> {
        let status = self.ask("GET /jsz?streams=1&accounts=1").await?;
        let accounts = status["account_details"].as_array()?.iter();
        let mut streams = accounts.filter_map(|account| account["stream_detail"].as_array()).flatten();
        let journal =
            streams.find(|stream| stream["name"].as_str().is_some_and(|name| name.starts_with("switchyard-")))?;
        Some(journal["cluster"]["leader"].as_str()?.to_owned())
    }
}

/// Waits until one of the servers that run leads the stream, and returns its number.
pub(super) async fn stream_leader(servers: &[Server]) -> anyhow::Result<usize> {
    let begin = Instant::now();
    loop {
        for server in servers.iter().filter(|server| server.process.is_some()) {
            let name = server.stream_leader().await;
            let leads = |server: &Server| server.process.is_some() && Some(&server.name) == name.as_ref();
            if let Some(number) = servers.iter().position(leads) {
                return Ok(number);
            }
        }
        anyhow::ensure!(begin.elapsed() < READY_MAX, "none of {NODES} NATS servers leads the stream");
        tokio::time::sleep(PAUSE).await;
    }
}
