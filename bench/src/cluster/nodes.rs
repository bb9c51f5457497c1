//! Three NATS servers and three hosts: each a process that can be killed and started again.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use super::writes;
use crate::load::Connection;
use crate::process::{ONE_ADDRESS, Server};
use crate::shop;

/// Servers and hosts of each kind.
pub(super) const NODES: usize = 3;

/// The token of the operator at every host. They listen on loopback, and only as long as the measurement lasts.
pub(super) const TOKEN: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";

/// The longest time until a cluster has a leader that it did not have before.
const LEADER_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long one question to an operator's API may take while no host leads.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

/// How often a process is asked again.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Ports below those that the system gives to outgoing connections: a process that is killed gets its own ones again.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A NATS server.
pub(super) struct Nats {
    name: String,
    clients: SocketAddr,
    monitoring: SocketAddr,
    folder: PathBuf,
    process: Option<Server>,
}

/// A host of the shop.
pub(super) struct Host {
    pub(super) name: &'static str,
    pub(super) public: SocketAddr,
    pub(super) operator: SocketAddr,
    between: SocketAddr,
    data: PathBuf,
    process: Option<Server>,
}

/// All of them. The processes end before the folder goes.
pub(super) struct Cluster {
    pub(super) hosts: Vec<Host>,
    servers: Vec<Nats>,
    workspace: PathBuf,
    _folder: TempDir,
}

/// What the NATS servers store for a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    /// The first message of the stream.
    pub(super) first: u64,
    pub(super) stream_bytes: u64,
    /// Copies, components and contracts.
    pub(super) object_bytes: u64,
}

/// Who leads, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    /// The number of the host.
    pub(super) host: usize,
    pub(super) epoch: u64,
}

impl Cluster {
    pub(super) async fn start(workspace: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ports = free_ports(NODES * 6)?;
        let [public, operator, between, clients, monitoring, routes] =
            [0, 1, 2, 3, 4, 5].map(|kind| &ports[kind * NODES..(kind + 1) * NODES]);
        let mut cluster =
            Self { hosts: Vec::new(), servers: Vec::new(), workspace: workspace.to_owned(), _folder: folder };
        for number in 0..NODES {
            let name = format!("n{number}");
            let folder = cluster._folder.path().join(&name);
            std::fs::create_dir(&folder)?;
            let all: Vec<_> = routes.iter().map(|route| format!("nats://{route}")).collect();
            let configuration = format!(
                "server_name: {name}\nlisten: \"{}\"\nhttp: \"{}\"\n\
                 jetstream: {{ store_dir: {:?}, sync_interval: always }}\n\
                 cluster: {{ name: bench, listen: \"{}\", routes: [{}] }}\n",
                clients[number],
                monitoring[number],
                folder.join("store"),
                routes[number],
                all.join(", ")
            );
            std::fs::write(folder.join("nats.conf"), configuration)?;
            let (clients, monitoring) = (clients[number], monitoring[number]);
            cluster.servers.push(Nats { name, clients, monitoring, folder, process: None });
        }
        for (number, name) in ["a", "b", "c"].into_iter().enumerate() {
            let data = cluster._folder.path().join(name);
            std::fs::DirBuilder::new().mode(0o700).create(&data)?;
            let file = data.join("admin-token");
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
            writeln!(file, "{TOKEN}")?;
            let (public, operator, between) = (public[number], operator[number], between[number]);
            cluster.hosts.push(Host { name, public, operator, between, data, process: None });
        }
        for server in &mut cluster.servers {
            server.spawn(workspace)?;
        }
        for server in &mut cluster.servers {
            server.until_ready().await?;
        }
        for number in 0..NODES {
            cluster.start_host(number).await?;
        }
        Ok(cluster)
    }

    /// Puts goods on sale; returns the token of a session of the staff.
    pub(super) async fn fill(&self) -> anyhow::Result<String> {
        let leader = &self.hosts[self.leader().await?.host];
        let staff = shop::staff(leader.public, leader.operator, &leader.data).await?;
        shop::stock(leader.public, &staff, writes::ITEMS).await?;
        Ok(staff)
    }

    /// The setting of a host that names all servers.
    pub(super) fn servers_setting(&self) -> String {
        let servers: Vec<_> = self.servers.iter().map(|server| format!("\"{}\"", server.clients)).collect();
        format!("[{}]", servers.join(", "))
    }

    /// What the servers store for the cluster `name`, by what the first one says.
    pub(super) async fn stored(&self, name: &str) -> anyhow::Result<Stored> {
        let streams = self.servers.first().context("there are servers")?.streams().await?;
        let state = |name: &str| {
            let stream = streams.iter().find(|stream| stream["name"] == name);
            stream.map(|stream| stream["state"].clone()).with_context(|| format!("there is no stream {name}"))
        };
        let (journal, objects) = (state(&format!("switchyard-{name}"))?, state(&format!("OBJ_switchyard-{name}"))?);
        let number = |state: &Value, member: &str| state[member].as_u64().with_context(|| format!("no {member}"));
        Ok(Stored {
            first: number(&journal, "first_seq")?,
            stream_bytes: number(&journal, "bytes")?,
            object_bytes: number(&objects, "bytes")?,
        })
    }

    /// Starts a host, and waits until it is ready.
    pub(super) async fn start_host(&mut self, number: usize) -> anyhow::Result<()> {
        let servers = self.servers_setting();
        let host = &mut self.hosts[number];
        let log = std::fs::File::options().create(true).append(true).open(host.data.with_extension("log"))?;
        let mut command = Command::new(self.workspace.join("target/release/switchyard"));
        command
            .args(["up", "--listen", &host.public.to_string(), "--admin", &host.operator.to_string(), "--manifest"])
            .arg(self.workspace.join("switchyard.toml"))
            .arg("--data")
            .arg(&host.data)
            .envs(ONE_ADDRESS)
            .env("SWITCHYARD_GATEWAY_ACCESS_LOG", "false")
            .env("SWITCHYARD_HOST_LOG_FILTER", std::env::var("SWITCHYARD_HOST_LOG_FILTER").unwrap_or("warn".into()))
            .env("SWITCHYARD_CLUSTER_SERVERS", servers)
            .env("SWITCHYARD_CLUSTER_NODE", host.name)
            .env("SWITCHYARD_CLUSTER_LISTEN", host.between.to_string())
            .env_remove("SWITCHYARD_ADMIN_TOKEN")
            .stderr(log);
        let started = Server::start(command, host.public, host.operator).await;
        let (process, _) = started.with_context(|| format!("host {}: {}", host.name, host.last_words()))?;
        host.process = Some(process);
        Ok(())
    }

    /// Kills a host at once.
    pub(super) async fn kill_host(&mut self, number: usize) -> anyhow::Result<()> {
        self.hosts[number].process.take().context("the host runs")?.kill().await
    }

    pub(super) async fn kill_server(&mut self, number: usize) -> anyhow::Result<()> {
        self.servers[number].process.take().context("the NATS server runs")?.kill().await
    }

    /// Starts a NATS server again, and waits until it has what it missed.
    pub(super) async fn start_server(&mut self, number: usize) -> anyhow::Result<()> {
        let server = &mut self.servers[number];
        server.spawn(&self.workspace)?;
        server.until_ready().await
    }

    /// The processes of the hosts, `first` at the head.
    pub(super) fn processes(&self, first: usize) -> anyhow::Result<Vec<&Server>> {
        let order = (0..NODES).map(|number| &self.hosts[(first + number) % NODES]);
        order.map(|host| host.process.as_ref().context("the host runs")).collect()
    }

    /// The host that leads.
    pub(super) async fn leader(&self) -> anyhow::Result<Leader> {
        self.leader_after(0).await
    }

    /// The host that leads in a later epoch than `epoch`.
    pub(super) async fn leader_after(&self, epoch: u64) -> anyhow::Result<Leader> {
        let begin = Instant::now();
        loop {
            for host in self.hosts.iter().filter(|host| host.process.is_some()) {
                match timeout(ANSWER_WAIT_MAX, self.leader_by(host)).await {
                    Ok(Ok(Some(leader))) if leader.epoch > epoch => return Ok(leader),
                    // A host may be between two roles, or nobody leads at the moment.
                    Ok(Ok(_) | Err(_)) | Err(_) => {}
                }
            }
            ensure!(begin.elapsed() < LEADER_WAIT_MAX, "no host leads after {LEADER_WAIT_MAX:?}");
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Waits until every host is ready: an operator begins no orderly change before that.
    pub(super) async fn until_all_ready(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        for host in &self.hosts {
            while operator(host, "GET", "/readyz").await.is_err() {
                ensure!(begin.elapsed() < LEADER_WAIT_MAX, "host {} is not ready after {LEADER_WAIT_MAX:?}", host.name);
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
        Ok(())
    }

    async fn leader_by(&self, host: &Host) -> anyhow::Result<Option<Leader>> {
        let status = operator(host, "GET", "/cluster").await?;
        let leads = |host: &Host| status["leader"].as_str() == Some(host.name);
        let host = self.hosts.iter().position(leads);
        Ok(host.zip(status["epoch"].as_u64()).map(|(host, epoch)| Leader { host, epoch }))
    }

    /// The NATS server that leads the stream of the journal, by what those that run say.
    pub(super) async fn stream_leader(&self) -> anyhow::Result<usize> {
        let begin = Instant::now();
        loop {
            for server in self.servers.iter().filter(|server| server.process.is_some()) {
                let asked = timeout(ANSWER_WAIT_MAX, server.stream_leader()).await;
                // A server that is about to elect may not answer.
                let name = asked.ok().and_then(Result::ok).flatten();
                let is_it = |server: &Nats| server.process.is_some() && Some(&server.name) == name.as_ref();
                if let Some(number) = self.servers.iter().position(is_it) {
                    return Ok(number);
                }
            }
            ensure!(begin.elapsed() < LEADER_WAIT_MAX, "no NATS server leads the stream after {LEADER_WAIT_MAX:?}");
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        for process in self.hosts.into_iter().filter_map(|host| host.process) {
            process.stop().await?;
        }
        Ok(())
    }
}

/// Asks the operator's API of a host.
pub(super) async fn operator(host: &Host, method: &str, path: &str) -> anyhow::Result<Value> {
    shop::ask(&mut Connection::open(host.operator).await?, method, path, Some(TOKEN), None).await
}

impl Host {
    /// The end of its log.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default();
        log.lines().last().unwrap_or("its log is empty").to_owned()
    }
}

impl Nats {
    fn spawn(&mut self, workspace: &Path) -> anyhow::Result<()> {
        let program = workspace.join("target/nats/bin/nats-server");
        ensure!(program.is_file(), "there is no NATS server: `cargo xtask nats` installs it");
        let mut command = Command::new(program);
        command.arg("--config").arg(self.folder.join("nats.conf"));
        command.stderr(std::fs::File::options().create(true).append(true).open(self.folder.join("log"))?);
        self.process = Some(Server::spawn(command, self.clients)?);
        Ok(())
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        self.process.as_mut().context("the NATS server runs")?.until_ready(self.monitoring, "/healthz").await
    }

    async fn stream_leader(&self) -> anyhow::Result<Option<String>> {
        let streams = self.streams().await?;
        let journal =
            streams.iter().find(|stream| stream["name"].as_str().is_some_and(|name| name.starts_with("switchyard-")));
        Ok(journal.and_then(|journal| Some(journal["cluster"]["leader"].as_str()?.to_owned())))
    }

    /// The streams that it stores.
    async fn streams(&self) -> anyhow::Result<Vec<Value>> {
        let mut connection = TcpStream::connect(self.monitoring).await?;
        // In HTTP/1.0 the answer ends with the connection.
        connection.write_all(b"GET /jsz?streams=1&accounts=1 HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("an answer has a body")?;
        let status: Value = serde_json::from_str(body)?;
        let accounts = status["account_details"].as_array().into_iter().flatten();
        let streams = accounts.flat_map(|account| account["stream_detail"].as_array().into_iter().flatten());
        Ok(streams.cloned().collect())
    }
}

fn free_ports(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    // Two measurements at a time begin at different places.
    let first = PORTS.start + u16::try_from(std::process::id() % 9_000)?;
    let bound = (first..PORTS.end).filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    // All are held until the last one is found.
    let held: Vec<_> = bound.take(count).collect();
    ensure!(held.len() == count, "there are no {count} free ports from {first} to {}", PORTS.end);
    held.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}
