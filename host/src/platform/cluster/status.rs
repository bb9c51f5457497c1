//! What a node says of itself: to the leader, to the operator, to probes, and in metrics.

use std::time::Duration;

use super::nodes::{ClusterStatus, NodeView, REPORT_PERIOD, Report};
use super::operator::OperatorSide;
use crate::clock;
use crate::observe::VERSION;
use crate::observe::cluster::NodeMetrics;
use crate::store::Health;

/// A follower that has heard nothing for so long is not ready: it may be cut off from the servers of the stream.
const SILENCE_MAX: Duration = Duration::from_secs(5);

impl OperatorSide {
    /// Tells the leader every second how far this node is, and the metrics what its role is.
    pub(super) async fn report_for_ever(&self) {
        let metrics = NodeMetrics::new();
        loop {
            self.measure(&metrics);
            let leader = self.roles.view().leader.filter(|leader| leader.node != self.roles.node.node);
            if let (Some(leader), Ok(report)) = (leader, serde_json::to_vec(&self.own_report())) {
                // The leader shows for how long it has heard nothing.
                let _heard = self.forwarder.report(&leader, report).await;
            }
            tokio::time::sleep(REPORT_PERIOD).await;
        }
    }

    fn measure(&self, metrics: &NodeMetrics) {
        let (report, view) = (self.own_report(), self.roles.view());
        metrics.leads.set(if self.roles.leads() { 1.0 } else { 0.0 });
        metrics.epoch.set(report.epoch as f64);
        metrics.applied.set(report.commit as f64);
        metrics.lease_seconds.set(self.roles.lease_left().as_secs_f64());
        let silence = view.heard.filter(|_| !self.roles.leads()).map_or(Duration::ZERO, clock::elapsed);
        metrics.silence_seconds.set(silence.as_secs_f64());
    }

    /// What this node says of itself.
    pub(super) fn own_report(&self) -> Report {
        let view = self.roles.view();
        let stores = self.roles.stores();
        Report {
            node: self.roles.node.node.clone(),
            address: self.roles.node.address.clone(),
            version: VERSION.into(),
            epoch: view.position.epoch.0,
            commit: stores.map_or(view.position.number, |stores| stores.durable()).0,
            message: view.position.sequence.0,
            because: self.not_ready(),
        }
    }

    pub(super) fn status(&self) -> ClusterStatus {
        let (report, view) = (self.own_report(), self.roles.view());
        let leads = self.roles.leads();
        let mut nodes = if leads { self.nodes.views(&report.node, report.commit) } else { Vec::new() };
        let role = if leads { "leader" } else { "follower" };
        nodes.push(NodeView::new(&report, role, report.commit, Duration::ZERO));
        nodes.sort_by(|a, b| a.name().cmp(b.name()));
        let lease = self.roles.lease_left();
        ClusterStatus {
            cluster: self.cluster.clone(),
            leader: view.leader.map(|leader| leader.node),
            epoch: report.epoch,
            commit: report.commit,
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            stream: self.stream_trouble(),
            nodes,
        }
    }

    /// All reasons why this node, which does not lead, is not ready.
    pub(super) fn not_ready(&self) -> Vec<String> {
        let mut because = Vec::new();
        if self.stop.is_set() {
            because.push("the host is stopping".to_owned());
        }
        because.extend(self.roles.trouble().map(|trouble| trouble.to_string()));
        let view = self.roles.view();
        let is_silent = view.heard.is_none_or(|heard| clock::elapsed(heard) >= SILENCE_MAX);
        match view.leader {
            _ if self.roles.leads() => {}
            None => because.push("it does not know who leads the cluster".into()),
            Some(leader) if is_silent => {
                because.push(format!("it has heard nothing of the leader {} for some seconds", leader.node));
            }
            Some(_) if !self.roles.has_replica() => {
                because.push("it is getting ready to answer reads".into());
            }
            Some(_) => {}
        }
        because.extend(self.stream_trouble());
        because.extend(self.outages.now().into_iter().map(|outage| outage.to_string()));
        because
    }

    /// Why no commit is made, if so.
    fn stream_trouble(&self) -> Option<String> {
        match self.roles.stores()?.health() {
            Health::NoRoom { why } | Health::Stopped { why } => Some(format!("no commit is taken: {why}")),
            Health::Running => None,
        }
    }
}
