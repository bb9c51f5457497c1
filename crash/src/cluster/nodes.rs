//! The hosts of the cluster: each a process with links of its own to every NATS server, and one that the other hosts reach
//! it by.

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::{join_all, try_join_all};
use serde_json::Value;
use shop_tests::{Client, Link, Process};
use switchyard::fail_point::{SABOTAGE_VARIABLE, Sabotage};
use tempfile::TempDir;
use tokio::sync::watch;

use super::disk::Disk;
use super::plan::{CLUSTER, LEASE, NODES};
use super::ports;
use super::servers::Server;
use crate::host::{Doors, Entrances, SETTINGS};

/// The longest time until a host serves, is ready or leads.
const READY_MAX: Duration = Duration::from_secs(60);

/// The longest time until a host has ended in order.
const END_MAX: Duration = Duration::from_secs(40);

/// The time between two questions, and how long each may take.
const PAUSE: Duration = Duration::from_millis(20);
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A host.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    data: PathBuf,
    log: PathBuf,
    sabotage: Option<Sabotage>,
    /// Where it listens for the other hosts, behind `inbound`.
    listen: SocketAddr,
    pub(super) inbound: Link,
    /// To each NATS server.
    pub(super) servers: Vec<Link>,
    process: Option<Process>,
    doors: watch::Sender<Option<Doors>>,
}

/// All processes. They end before the folder goes.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) nodes: Vec<Node>,
    pub(super) servers: Vec<Server>,
    /// That of the last host, where a disk of a limited size can be had.
    pub(super) disk: Option<Disk>,
    folder: TempDir,
}

/// Who leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) node: usize,
    pub(super) epoch: u64,
}

impl Cluster {
    /// Starts everything.
    pub(super) async fn start(sabotage: Option<Sabotage>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("switchyard-crash-cluster-").tempdir()?;
        let ports = ports::free(4 * NODES)?;
        let of = |kind: usize| ports.get(kind * NODES..(kind + 1) * NODES).context("enough ports");
        let servers = Server::start_all(folder.path(), [of(0)?, of(1)?, of(2)?]).await?;
        let mut nodes = Vec::new();
        for (name, listen) in ["a", "b", "c"].into_iter().zip(of(3)?) {
            let mut links = Vec::new();
            for server in &servers {
                links.push(Link::to(server.clients).await?);
            }
            let data = folder.path().join(name);
            std::fs::create_dir(&data)?;
            nodes.push(Node {
                name,
                log: data.with_extension("log"),
                data,
                sabotage,
                listen: *listen,
                inbound: Link::to(*listen).await?,
                servers: links,
                process: None,
                doors: watch::Sender::new(None),
            });
        }
        let disk = nodes.last().and_then(|node| Disk::mount(&node.data));
        let mut cluster = Self { nodes, servers, disk, folder };
        // The first one creates the stream and the object store, of which the servers then elect the leaders.
        cluster.node(0)?.start().await?;
        cluster.start_all().await?;
        Ok(cluster)
    }

    /// Starts the hosts that do not run, at once.
    pub(super) async fn start_all(&mut self) -> anyhow::Result<()> {
        let down = self.nodes.iter_mut().filter(|node| node.process.is_none());
        try_join_all(down.map(Node::start)).await?;
        Ok(())
    }

    /// The entrances of all hosts.
    pub(super) fn entrances(&self) -> Entrances {
        self.nodes.iter().map(|node| node.doors.subscribe()).collect()
    }

    /// The addresses of each host. All run.
    pub(super) fn doors(&self) -> anyhow::Result<Vec<(&'static str, Doors)>> {
        let doors = |node: &Node| Ok((node.name, node.doors.borrow().clone().context("the host runs")?));
        self.nodes.iter().map(doors).collect()
    }

    pub(super) fn node(&mut self, number: usize) -> anyhow::Result<&mut Node> {
        self.nodes.get_mut(number % NODES).context("there is such a host")
    }

    pub(super) async fn kill_server(&mut self, number: usize) -> anyhow::Result<()> {
        self.server(number)?.kill().await
    }

    pub(super) fn server(&mut self, number: usize) -> anyhow::Result<&mut Server> {
        self.servers.get_mut(number).context("there is such a server")
    }

    /// The address of a NATS server. All run.
    pub(super) fn any_server(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.servers.first().context("there are servers")?.clients)
    }

    /// The host that leads, by what the hosts say that answer.
    pub(super) async fn leader(&self) -> anyhow::Result<Leader> {
        self.leader_after(0).await
    }

    /// The host that leads in a later epoch than `epoch`.
    pub(super) async fn leader_after(&self, epoch: u64) -> anyhow::Result<Leader> {
        let begin = Instant::now();
        loop {
            let known = join_all(self.nodes.iter().map(Node::status)).await.into_iter().flatten();
            let leader = |status: Value| {
                let node = self.nodes.iter().position(|node| status["leader"].as_str() == Some(node.name))?;
                Some(Leader { node, epoch: status["epoch"].as_u64()? })
            };
            let newest = known.filter_map(leader).max_by_key(|leader| leader.epoch);
            if let Some(leader) = newest.filter(|leader| leader.epoch > epoch) {
                return Ok(leader);
            }
            anyhow::ensure!(begin.elapsed() < READY_MAX, "no host leads after epoch {epoch}");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until every host is ready: it has everything that is committed, and what it runs.
    pub(super) async fn until_ready(&self) -> anyhow::Result<()> {
        for node in &self.nodes {
            let begin = Instant::now();
            while let Err(why) = node.is_ready().await {
                anyhow::ensure!(begin.elapsed() < READY_MAX, "the host {} is not ready: {why:#}", node.name);
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Ends everything.
    pub(super) async fn close(mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.kill().await?;
        }
        Ok(())
    }

    /// Ends everything, keeps the data and the logs, and returns where they are.
    pub(super) async fn keep(mut self) -> anyhow::Result<PathBuf> {
        for node in &mut self.nodes {
            node.kill().await?;
        }
        let Self { nodes: _, servers, disk, folder } = self;
        drop(servers);
        if let Some(disk) = disk {
            disk.copy_to(&folder.path().join("disk"))?;
        }
        Ok(folder.keep())
    }
}

impl Node {
    /// Starts it; it serves when this returns.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let servers: Vec<_> = self.servers.iter().map(|link| format!("{:?}", link.address.to_string())).collect();
        let servers = format!("[{}]", servers.join(", "));
        let (listen, address) = (self.listen.to_string(), self.inbound.address.to_string());
        let (lease, heartbeat) = (LEASE.as_millis().to_string(), (LEASE / 4).as_millis().to_string());
        let mut environment = SETTINGS.to_vec();
        environment.extend([
            ("SWITCHYARD_CLUSTER_SERVERS", servers.as_str()),
            ("SWITCHYARD_CLUSTER_NAME", CLUSTER),
            ("SWITCHYARD_CLUSTER_NODE", self.name),
            ("SWITCHYARD_CLUSTER_LISTEN", &listen),
            ("SWITCHYARD_CLUSTER_ADDRESS", &address),
            ("SWITCHYARD_CLUSTER_LEASE_MS", &lease),
            ("SWITCHYARD_CLUSTER_HEARTBEAT_MS", &heartbeat),
        ]);
        environment.extend(self.sabotage.map(|sabotage| (SABOTAGE_VARIABLE, sabotage.name())));
        let program = std::env::current_exe()?;
        let started = tokio::time::timeout(READY_MAX, Process::start_with(&program, &self.data, &environment)).await;
        let process = started.with_context(|| format!("the host {} does not serve", self.name))?;
        let process = process.with_context(|| format!("the host {} does not start", self.name))?;
        let doors = Doors { public: process.client.unchecked(), operator: process.operator.clone() };
        self.process = Some(process);
        self.doors.send_replace(Some(doors));
        Ok(())
    }

    /// Kills it with SIGKILL, if it runs.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        let Some(process) = self.process.take() else { return Ok(()) };
        let log = process.kill().await?;
        self.doors.send_replace(None);
        self.append(log)
    }

    /// Ends it with SIGTERM.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let mut process = self.process.take().context("the host runs")?;
        process.signal("TERM").await?;
        let ended = tokio::time::timeout(END_MAX, process.ended()).await;
        self.doors.send_replace(None);
        let log = process.kill().await?;
        self.append(log)?;
        let status = ended.with_context(|| format!("the host {} does not end", self.name))??;
        anyhow::ensure!(status.success(), "the host {} ended with {status}", self.name);
        Ok(())
    }

    pub(super) async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        self.process.as_ref().context("the host runs")?.signal(signal).await
    }

    fn append(&self, log: Vec<String>) -> anyhow::Result<()> {
        let mut file = File::options().create(true).append(true).open(&self.log)?;
        log.into_iter().try_for_each(|line| Ok(writeln!(file, "{line}")?))
    }

    /// What it knows of the cluster, if it answers soon.
    async fn status(&self) -> Option<Value> {
        let operator = self.operator()?;
        let answer = tokio::time::timeout(ANSWER_MAX, operator.ask("GET /cluster")).await.ok()?.ok()?;
        answer.status.is_success().then_some(answer.body)
    }

    async fn is_ready(&self) -> anyhow::Result<()> {
        let operator = self.operator().context("it does not run")?;
        let answer = tokio::time::timeout(ANSWER_MAX, operator.ask("GET /readyz")).await??;
        anyhow::ensure!(answer.status.is_success(), "{}", answer.body);
        Ok(())
    }

    fn operator(&self) -> Option<Client> {
        self.doors.borrow().as_ref().map(|doors| doors.operator.clone())
    }
}
