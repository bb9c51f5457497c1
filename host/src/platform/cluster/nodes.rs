//! The nodes of a cluster as its leader knows them: each reports to it every second.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::journal::stream::Leader;

/// The time between two reports of a node.
pub(super) const REPORT_PERIOD: Duration = Duration::from_secs(1);

/// A node that has not reported for so long counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(5);

/// A lost node is listed for so long, so that an operator sees in the morning what was lost at night.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// Most nodes that are listed: a cluster has a few. A host with a new name at each start does not fill the memory.
const NODES_MAX: usize = 64;

/// What a node says of itself. One of a later version may say more.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) node: String,
    pub(super) address: String,
    /// The version of switchyard.
    pub(super) version: String,
    pub(super) epoch: u64,
    /// The last commit that it has.
    pub(super) commit: u64,
    /// The last message of the stream that it has read.
    pub(super) message: u64,
    /// Why it is not ready.
    pub(super) because: Vec<String>,
}

/// The cluster, as its leader or one of its nodes sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterStatus {
    pub(super) cluster: String,
    /// `None` while nobody leads.
    pub(super) leader: Option<String>,
    pub(super) epoch: u64,
    /// The last commit that the answering node has.
    pub(super) commit: u64,
    /// Milliseconds for which the leader may still speak for the cluster.
    pub(super) lease_ms: u64,
    /// Why the servers of the stream do not answer, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<String>,
    pub(super) nodes: Vec<NodeView>,
}

/// A node in a [`ClusterStatus`].
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeView {
    node: String,
    address: String,
    /// `leader`, `follower` or `lost`.
    role: &'static str,
    version: String,
    commit: u64,
    /// The commits of the leader that it does not have.
    behind: u64,
    /// Milliseconds since its last report.
    reported_ms: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
}

impl NodeView {
    pub(super) fn name(&self) -> &str {
        &self.node
    }

    pub(super) fn new(report: &Report, role: &'static str, commit: u64, age: Duration) -> Self {
        Self {
            node: report.node.clone(),
            address: report.address.clone(),
            role,
            version: report.version.clone(),
            commit: report.commit,
            behind: commit.saturating_sub(report.commit),
            reported_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
            because: report.because.clone(),
        }
    }
}

/// The reports of the other nodes, by name.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<BTreeMap<String, (Report, Instant)>>);

impl Nodes {
    pub(super) fn heard(&self, report: Report) {
        let now = clock::now();
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|_, (_, at)| now.saturating_duration_since(*at) < FORGOTTEN_AFTER);
        if nodes.len() >= NODES_MAX && !nodes.contains_key(&report.node) {
            let oldest = nodes.iter().min_by_key(|(_, (_, at))| *at).map(|(node, _)| node.clone());
            oldest.and_then(|oldest| nodes.remove(&oldest));
        }
        nodes.insert(report.node.clone(), (report, now));
    }

    /// Forgets a node; false if it is not known. One that still runs reports again.
    pub(super) fn remove(&self, node: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(node).is_some()
    }

    /// The nodes that have reported lately, and where they are reached.
    pub(super) fn live(&self) -> Vec<Leader> {
        let now = clock::now();
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let live = nodes.values().filter(|(_, at)| now.saturating_duration_since(*at) < LOST_AFTER);
        live.map(|(report, _)| Leader { node: report.node.clone(), address: report.address.clone() }).collect()
    }

    /// The other nodes, by name. `commit` is the leader's last one.
    pub(super) fn views(&self, leader: &str, commit: u64) -> Vec<NodeView> {
        let now = clock::now();
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = nodes.values().filter(|(report, _)| report.node != leader);
        let view = |(report, at): &(Report, Instant)| {
            let age = now.saturating_duration_since(*at);
            NodeView::new(report, if age < LOST_AFTER { "follower" } else { "lost" }, commit, age)
        };
        others.map(view).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(node: &str, commit: u64) -> Report {
        let (node, address) = (node.to_owned(), "10.0.0.1:7900".to_owned());
        Report { node, address, version: "1".into(), epoch: 1, commit, message: 1, because: Vec::new() }
    }

    #[test]
    fn the_leader_lists_the_other_nodes_and_how_far_each_is_behind() {
        let nodes = Nodes::default();
        nodes.heard(report("a", 7));
        nodes.heard(report("b", 3));
        nodes.heard(report("b", 5));
        let views: Vec<_> =
            nodes.views("a", 7).iter().map(|view| (view.node.clone(), view.role, view.behind)).collect();
        assert_eq!(views, [("b".to_owned(), "follower", 2)]);
        assert_eq!(nodes.live().len(), 2);
        assert!(nodes.remove("b") && !nodes.remove("b"));
    }

    #[test]
    fn hosts_with_ever_new_names_do_not_fill_the_memory() {
        let nodes = Nodes::default();
        for number in 0..=3 * NODES_MAX {
            nodes.heard(report(&format!("node-{number}"), 1));
        }
        assert_eq!(nodes.live().len(), NODES_MAX);
        assert!(nodes.remove(&format!("node-{}", 3 * NODES_MAX)), "the newest is there");
    }

    #[test]
    fn a_report_of_a_later_version_is_taken_and_half_a_report_is_not() {
        let sent = serde_json::to_value(report("a", 1)).unwrap();
        let (mut more, mut less) = (sent.clone(), sent);
        more["later"] = 1.into();
        less.as_object_mut().unwrap().remove("commit");
        assert_eq!(serde_json::from_value::<Report>(more).unwrap().node, "a");
        assert!(serde_json::from_value::<Report>(less).is_err());
    }
}
