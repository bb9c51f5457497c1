//! Carries out a fault while clients work, and mends it: everything runs and is ready when it is over.

use std::time::{Duration, Instant};

use shop_tests::LinkState;

use super::nodes::{Cluster, Leader};
use super::plan::{Fault, Kind, NODES};
use super::servers::stream_leader;
use crate::ask::Record;

/// Answers after which writes flow again.
const FLOW: usize = 20;

/// The longest time without them: NATS elects for up to 9 s after its servers are back, and one fault may follow another.
const BLOCKED_MAX: Duration = Duration::from_secs(60);

/// The time between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until writes are acknowledged.
pub(super) async fn flow(record: &Record) -> anyhow::Result<()> {
    let (begin, answered) = (Instant::now(), record.answered());
    let until = *answered.borrow() + FLOW;
    while *answered.borrow() < until {
        anyhow::ensure!(begin.elapsed() < BLOCKED_MAX, "no write was acknowledged for {BLOCKED_MAX:?}");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

impl Cluster {
    /// Carries `fault` out. Returns whether it could.
    pub(super) async fn suffer(&mut self, fault: &Fault, record: &Record) -> anyhow::Result<bool> {
        let leader = self.leader().await?;
        let follower = leader.node + 1 + fault.follower;
        let cut = if fault.holds_back { LinkState::HoldsBack } else { LinkState::Cut };
        let slow = LinkState::Slow(fault.delay);
        let lasts = || tokio::time::sleep(fault.lasts);
        match fault.kind {
            Kind::KillLeader => {
                self.node(leader.node)?.kill().await?;
                self.leader_after(leader.epoch).await?;
                flow(record).await?;
            }
            Kind::KillFollower => {
                self.node(follower)?.kill().await?;
                flow(record).await?;
                lasts().await;
            }
            Kind::KillHosts => {
                for node in &mut self.nodes {
                    node.kill().await?;
                }
                lasts().await;
            }
            Kind::KillServer(server) => {
                self.kill_server(server).await?;
                stream_leader(&self.servers).await?;
                flow(record).await?;
                self.server(server)?.start().await?;
            }
            Kind::KillTwoServers => self.kill_two_servers(fault).await?,
            Kind::PauseLeader => {
                self.node(leader.node)?.signal("STOP").await?;
                self.leader_after(leader.epoch).await?;
                lasts().await;
                self.node(leader.node)?.signal("CONT").await?;
            }
            Kind::CutLeader | Kind::CutLeaderAndFollower => {
                let nodes = if fault.kind == Kind::CutLeader { vec![leader.node] } else { vec![leader.node, follower] };
                self.links_to_servers(&nodes, cut)?;
                self.leader_after(leader.epoch).await?;
                lasts().await;
                self.links_to_servers(&nodes, LinkState::Whole)?;
            }
            Kind::CutFollower => self.without_servers(follower, cut, lasts()).await?,
            Kind::SlowLeader => self.without_servers(leader.node, slow, lasts()).await?,
            Kind::SlowFollower => self.without_servers(follower, slow, lasts()).await?,
            Kind::CutBetween => self.without_others(leader.node, cut, lasts()).await?,
            Kind::SlowBetween => self.without_others(leader.node, slow, lasts()).await?,
            Kind::FillDisk => return self.fill_disk(leader, record, lasts()).await,
            Kind::RestartHosts => {
                for node in [1, 2, 0].map(|behind| leader.node + behind) {
                    self.node(node)?.stop().await?;
                    self.node(node)?.start().await?;
                    // An operator restarts the next one when all are ready.
                    self.until_ready().await?;
                }
            }
            Kind::StepDown => self.step_down(leader).await?,
        }
        self.start_all().await?;
        Ok(true)
    }

    /// Does something to the links of this host to all NATS servers.
    async fn without_servers(
        &mut self,
        node: usize,
        state: LinkState,
        lasts: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.links_to_servers(&[node], state)?;
        lasts.await;
        self.links_to_servers(&[node], LinkState::Whole)
    }

    fn links_to_servers(&mut self, nodes: &[usize], state: LinkState) -> anyhow::Result<()> {
        for node in nodes {
            self.node(*node)?.servers.iter().for_each(|link| link.set(state));
        }
        Ok(())
    }

    /// Does something to the link by which the other hosts reach this one.
    async fn without_others(
        &mut self,
        node: usize,
        state: LinkState,
        lasts: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        self.node(node)?.inbound.set(state);
        lasts.await;
        self.node(node)?.inbound.set(LinkState::Whole);
        Ok(())
    }

    /// Kills the leader of the stream and another server, and starts both again.
    async fn kill_two_servers(&mut self, fault: &Fault) -> anyhow::Result<()> {
        let leads = stream_leader(&self.servers).await?;
        let two = [leads, (leads + 1 + fault.follower) % NODES];
        for server in two {
            self.kill_server(server).await?;
        }
        tokio::time::sleep(fault.lasts).await;
        for server in two {
            self.server(server)?.spawn()?;
        }
        for server in two {
            self.server(server)?.until_ready().await?;
        }
        Ok(())
    }

    /// Fills the disk of the last host, which follows: the others go on.
    async fn fill_disk(
        &mut self,
        leader: Leader,
        record: &Record,
        lasts: impl Future<Output = ()>,
    ) -> anyhow::Result<bool> {
        if self.disk.is_none() {
            return Ok(false);
        }
        let mut leader = leader;
        while leader.node == NODES - 1 {
            self.step_down(leader).await?;
            leader = self.leader().await?;
        }
        let disk = || self.disk.as_ref().into_iter();
        disk().try_for_each(super::disk::Disk::fill)?;
        flow(record).await?;
        lasts.await;
        flow(record).await?;
        disk().try_for_each(super::disk::Disk::clear)?;
        Ok(true)
    }

    async fn step_down(&self, leader: Leader) -> anyhow::Result<()> {
        for (_, doors) in self.doors()?.into_iter().cycle().skip(leader.node + 1).take(1) {
            doors.operator.ask("POST /cluster/step-down").await?.expect(202)?;
        }
        self.leader_after(leader.epoch).await?;
        Ok(())
    }
}
