//! What a node says of itself: to the leader, to the operator, to probes, and in metrics.

use std::time::Duration;

use super::nodes::{ClusterStatus, Figures, NodeRole, NodeView, REPORT_PERIOD, Report, millis};
use super::operator::OperatorSide;
use super::roles::Target;
use crate::clock;
use crate::journal::stream::Leader;
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
            let view = self.roles.view();
            if let Some(leader) = view.leader.filter(|leader| leader.node != self.roles.node.node) {
                if let Some(heard) = view.heard {
                    self.nodes.led(&leader, heard, view.position.epoch.0, view.position.number.0);
                }
                self.report_to(&leader).await;
            }
            tokio::time::sleep(REPORT_PERIOD).await;
        }
    }

    /// The leader shows for how long it has heard nothing, and counts no figures that it does not get.
    async fn report_to(&self, leader: &Leader) {
        let figures = self.roles.replica().map(|replica| Figures {
            since: replica.since,
            trials: replica.releases.trials(),
            open_circuits: replica.releases.open_circuits(),
        });
        let figures = figures.filter(|figures| !(figures.trials.is_empty() && figures.open_circuits.is_empty()));
        let report = Report { figures, ..self.own_report() };
        let report = match serde_json::to_vec(&report) {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(%error, "cannot report to the leader of the cluster");
                return;
            }
        };
        let answer = self.forwarder.report(leader, report).await;
        let known = answer.as_ref().and_then(|answer| serde_json::from_slice(answer.bytes()?).ok());
        if let Some(known) = known
            && !self.roles.leads()
        {
            self.nodes.replace(known, &self.roles.node.node);
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
        let behind = if self.roles.leads() { 0 } else { self.nodes.commit().saturating_sub(report.commit) };
        metrics.behind_commits.set(behind as f64);
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
            figures: None,
        }
    }

    pub(super) fn status(&self) -> ClusterStatus {
        let (report, view) = (self.own_report(), self.roles.view());
        let led_for = match self.roles.target_now() {
            Some(Target::Here(serving)) => Some(clock::elapsed(serving.since)),
            Some(Target::There(_)) | None => None,
        };
        let silence = view.heard.filter(|_| led_for.is_none()).map(clock::elapsed);
        let leader =
            view.leader.filter(|_| silence.is_none_or(|silence| silence <= self.lease)).map(|leader| leader.node);
        let (mut nodes, role, last) = if let Some(led_for) = led_for {
            (self.nodes.followers(&report.node, report.commit, led_for), NodeRole::Leader, report.commit)
        } else {
            let last = self.nodes.commit().max(report.commit);
            (self.nodes.others(&report.node, leader.as_deref(), last), NodeRole::Follower, last)
        };
        nodes.push(NodeView::new(&report, role, last, Duration::ZERO));
        nodes.sort_by(|a, b| a.name().cmp(b.name()));
        let lease = self.roles.lease_left();
        ClusterStatus {
            cluster: self.cluster.clone(),
            answered_by: report.node,
            leader,
            heard_ms: silence.map(millis),
            epoch: report.epoch,
            commit: report.commit,
            lease_ms: millis(lease),
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
