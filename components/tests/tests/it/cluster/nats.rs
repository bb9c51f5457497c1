//! A NATS server, and hosts that are nodes of a cluster on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::{Client, Process, Staff, workspace};

/// Files in the folder of a server.
const CONFIGURATION: &str = "nats.conf";
const LOG: &str = "nats.log";

/// A running NATS server. It ends when this is dropped.
pub(super) struct Nats {
    process: Child,
    program: PathBuf,
    folder: tempfile::TempDir,
    address: String,
}

impl Nats {
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so loudly")]
    pub(super) fn start() -> anyhow::Result<Option<Self>> {
        let program = workspace().join("target/nats/bin/nats-server");
        if !program.is_file() {
            eprintln!("CLUSTERS: NOT TESTED, because there is no NATS server: `cargo xtask nats` installs it");
            return Ok(None);
        }
        Self::start_with(program, "").map(Some)
    }

    /// The same, or `None` if there is no server, whose clients have these permissions and no others.
    pub(super) fn start_permitting(permissions: &str) -> anyhow::Result<Option<Self>> {
        let Some(unrestricted) = Self::start()? else { return Ok(None) };
        let user = format!("{{ user: host, password: host, permissions: {{ {permissions} }} }}");
        let configuration = format!(
            "accounts: {{ HOSTS: {{ jetstream: enabled, users: [ {user} ] }}, SYS: {{ users: [] }} }}\n\
             system_account: SYS\nno_auth_user: host\n"
        );
        Self::start_with(unrestricted.program.clone(), &configuration).map(Some)
    }

    fn start_with(program: PathBuf, configuration: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join(CONFIGURATION), configuration)?;
        let process = spawn(&program, folder.path(), "-1")?;
        let mut nats = Self { process, program, folder, address: String::new() };
        nats.address = nats.address()?;
        Ok(nats)
    }

    /// What the server has logged.
    pub(super) fn log(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.path().join(LOG))?)
    }

    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        let (_, port) = self.address.rsplit_once(':').context("an address with a port")?;
        self.process = spawn(&self.program, self.folder.path(), port)?;
        self.address()?;
        Ok(())
    }

    /// Waits until the server has written where it listens.
    fn address(&self) -> anyhow::Result<String> {
        let file = self.folder.path().join(format!("nats-server_{}.ports", self.process.id()));
        for _ in 0..1000 {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let ports: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(address) = ports["nats"][0].as_str() {
                return Ok(address.to_owned());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        anyhow::bail!("the NATS server does not start")
    }

    /// Where the server accepts clients.
    pub(super) fn clients(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.address.trim_start_matches("nats://").parse()?)
    }

    /// Starts the shop as the node `node` of a cluster on this server.
    pub(super) async fn shop(&self, node: &str, data: &Path) -> anyhow::Result<Process> {
        self.shop_with(node, data, &[]).await
    }

    /// Like [`Nats::shop`], with additional environment variables, which win.
    pub(super) async fn shop_with(&self, node: &str, data: &Path, more: &[(&str, &str)]) -> anyhow::Result<Process> {
        let servers = format!("[\"{}\"]", self.address);
        let mut environment = vec![
            ("SWITCHYARD_CLUSTER_SERVERS", servers.as_str()),
            ("SWITCHYARD_CLUSTER_REPLICAS", "1"),
            ("SWITCHYARD_CLUSTER_NODE", node),
            // Shorter than the default, so that a lost leader is replaced soon; long enough that a leader on a busy core
            // does not lose its lease.
            ("SWITCHYARD_CLUSTER_LEASE_MS", "1500"),
            ("SWITCHYARD_CLUSTER_HEARTBEAT_MS", "100"),
            // Each process of a test gets ports of its own.
            ("SWITCHYARD_CLUSTER_LISTEN", "127.0.0.1:0"),
        ];
        environment.extend_from_slice(more);
        let program = Path::new(env!("CARGO_BIN_EXE_shop-host"));
        Process::start_with(program, data, &environment).await
    }
}

fn spawn(program: &Path, folder: &Path, port: &str) -> anyhow::Result<Child> {
    let spawned = Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(folder.join("store"))
        .arg("--ports_file_dir")
        .arg(folder)
        .arg("--config")
        .arg(folder.join(CONFIGURATION))
        .arg("--log")
        .arg(folder.join(LOG))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ok(spawned?)
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _waited = self.process.wait();
    }
}

/// Three nodes over one server, and the staff of their shop.
pub(super) struct Cluster {
    _nats: Nats,
    _folders: Vec<tempfile::TempDir>,
    pub(super) nodes: Vec<Process>,
    pub(super) staff: Staff,
}

impl Cluster {
    pub(super) async fn start() -> anyhow::Result<Option<Self>> {
        Self::start_with(&[]).await
    }

    /// Like [`Cluster::start`], with these settings too.
    pub(super) async fn start_with(more: &[(&str, &str)]) -> anyhow::Result<Option<Self>> {
        let Some(nats) = Nats::start()? else { return Ok(None) };
        let (mut folders, mut nodes) = (Vec::new(), Vec::new());
        for node in ["a", "b", "c"] {
            let folder = tempfile::tempdir()?;
            nodes.push(nats.shop_with(node, folder.path(), more).await?);
            folders.push(folder);
        }
        let staff = nodes[1].staff().await?;
        Ok(Some(Self { _nats: nats, _folders: folders, nodes, staff }))
    }

    /// Adds to an error what each node has logged.
    pub(super) async fn explained<T>(self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        let Err(mut error) = done else { return done };
        for node in self.nodes {
            let log = node.kill().await?;
            error = error.context([&["a node's log:".to_owned()], log.as_slice()].concat().join("\n"));
        }
        Err(error)
    }

    /// Waits until the leader knows `count` nodes, and returns which of them leads.
    pub(super) async fn leader(&self, asks: usize, count: usize) -> anyhow::Result<usize> {
        for _ in 0..600 {
            let status = self.nodes[asks].operator.ask("GET /cluster").await?;
            let nodes = status.body["nodes"].as_array().map_or(0, Vec::len);
            let leader = status.body["leader"]
                .as_str()
                .and_then(|leader| ["a", "b", "c"].iter().position(|node| *node == leader));
            if let (Some(leader), true) = (leader, nodes >= count) {
                return Ok(leader);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("nobody leads {count} nodes")
    }

    pub(super) fn at(&self, node: usize) -> &Client {
        &self.nodes[node].client
    }
}
