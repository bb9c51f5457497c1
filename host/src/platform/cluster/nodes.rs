//! The nodes of a cluster, as its leader knows them: each reports to it every second, and gets to know all others.
//!
//! So the next leader knows them too, and lists one that is lost until an operator removes it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::journal::stream::Leader;
use crate::release::{OpenCircuit, TrialFigures};

/// The time between two reports of a node.
pub(super) const REPORT_PERIOD: Duration = Duration::from_secs(1);

/// A node that has not reported for so long counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(5);

/// Most nodes that are listed: a cluster has a few. If hosts get a new name at each start, the ones that were heard last stay.
pub(super) const NODES_MAX: usize = 64;

/// What a node says of itself. One of a later version may say more.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) node: String,
    pub(super) address: String,
    /// The version of switchyard; empty if the node has only been seen in the stream.
    pub(super) version: String,
    pub(super) epoch: u64,
    /// The last commit that it has.
    pub(super) commit: u64,
    /// The last message of the stream that it has read.
    pub(super) message: u64,
    /// Why it is not ready.
    pub(super) because: Vec<String>,
    /// What it has counted of the calls that ran on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) figures: Option<Figures>,
}

/// What a node has seen of the releases that run on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// Since when, in microseconds since the Unix epoch: a node counts anew after each change of releases.
    pub(super) since: u64,
    /// Of services with a candidate.
    pub(super) trials: Vec<TrialFigures>,
    #[serde(default)]
    pub(super) open_circuits: Vec<OpenCircuit>,
}

/// A node, and how long ago it was heard, for the other nodes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    #[serde(flatten)]
    report: Report,
    age_ms: u64,
}

/// The cluster, as its leader or one of its nodes sees it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClusterStatus {
    pub(super) cluster: String,
    /// The node that says so: the leader, or one that gets no answer of a leader.
    pub(super) answered_by: String,
    /// `None` while nobody leads.
    pub(super) leader: Option<String>,
    /// Milliseconds since the answering node has heard of a leader in the stream; `None` if it leads, or never has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) heard_ms: Option<u64>,
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
    role: NodeRole,
    version: String,
    commit: u64,
    /// The commits of the leader that it does not have.
    behind: u64,
    /// Milliseconds since it was last heard.
    reported_ms: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NodeRole {
    Leader,
    Follower,
    Lost,
    /// The answering node does not lead, so it does not hear the other ones.
    Unknown,
}

impl NodeView {
    pub(super) fn name(&self) -> &str {
        &self.node
    }

    pub(super) fn new(report: &Report, role: NodeRole, commit: u64, age: Duration) -> Self {
        Self {
            node: report.node.clone(),
            address: report.address.clone(),
            role,
            version: report.version.clone(),
            commit: report.commit,
            behind: commit.saturating_sub(report.commit),
            reported_ms: millis(age),
            because: report.because.clone(),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The nodes that have reported or led, by name.
#[derive(Debug, Default)]
pub(super) struct Nodes(Mutex<BTreeMap<String, (Report, Instant)>>);

impl Nodes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Report, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn heard(&self, report: Report) {
        self.put(report, clock::now());
    }

    /// Notes that the stream had a message of `leader` at the time `heard`, in which `epoch` and `commit` are the last ones.
    pub(super) fn led(&self, leader: &Leader, heard: Instant, epoch: u64, commit: u64) {
        let known = self.lock().get(&leader.node).map(|(report, _)| report.clone()).unwrap_or_default();
        let (node, address) = (leader.node.clone(), leader.address.clone());
        let commit = known.commit.max(commit);
        self.put(Report { node, address, epoch, commit, because: Vec::new(), ..known }, heard);
    }

    fn put(&self, report: Report, heard: Instant) {
        let mut nodes = self.lock();
        if nodes.len() >= NODES_MAX && !nodes.contains_key(&report.node) {
            let oldest = nodes.iter().min_by_key(|(_, (_, at))| *at).map(|(node, _)| node.clone());
            oldest.and_then(|oldest| nodes.remove(&oldest));
        }
        nodes.insert(report.node.clone(), (report, heard));
    }

    /// All nodes, with `own` as that of this one, which leads.
    pub(super) fn known(&self, own: Report) -> Vec<Known> {
        let now = clock::now();
        let nodes = self.lock();
        let others = nodes.values().filter(|(report, _)| report.node != own.node);
        // What is wrong with another node is a matter of its own reports.
        let known = |(report, at): &(Report, Instant)| Known {
            report: Report { because: Vec::new(), ..report.clone() },
            age_ms: millis(now.saturating_duration_since(*at)),
        };
        let own = Known { report: Report { because: Vec::new(), ..own.clone() }, age_ms: 0 };
        others.map(known).chain([own]).collect()
    }

    /// Takes over what the leader knows of other nodes than `own`.
    pub(super) fn replace(&self, known: Vec<Known>, own: &str) {
        let now = clock::now();
        let heard = |age_ms| now.checked_sub(Duration::from_millis(age_ms)).unwrap_or(now);
        let known = known.into_iter().filter(|known| known.report.node != own).take(NODES_MAX);
        *self.lock() = known.map(|Known { report, age_ms }| (report.node.clone(), (report, heard(age_ms)))).collect();
    }

    /// Forgets a node; false if it is not known. One that still runs reports again.
    pub(super) fn remove(&self, node: &str) -> bool {
        self.lock().remove(node).is_some()
    }

    /// The nodes that were heard lately, and where they are reached.
    pub(super) fn live(&self) -> Vec<Leader> {
        let now = clock::now();
        let nodes = self.lock();
        let live = nodes.values().filter(|(_, at)| now.saturating_duration_since(*at) < LOST_AFTER);
        live.map(|(report, _)| Leader { node: report.node.clone(), address: report.address.clone() }).collect()
    }

    /// The highest commit that any node has.
    pub(super) fn commit(&self) -> u64 {
        self.lock().values().map(|(report, _)| report.commit).max().unwrap_or(0)
    }

    /// The other nodes than `own`, which has led for some time, by name. `commit` is its last one.
    pub(super) fn followers(&self, own: &str, commit: u64, led_for: Duration) -> Vec<NodeView> {
        // In the first seconds of a leader, a node has had nobody to report to.
        let silent = if led_for < LOST_AFTER { NodeRole::Unknown } else { NodeRole::Lost };
        self.views(own, commit, |_, age| if age < LOST_AFTER { NodeRole::Follower } else { silent })
    }

    /// The other nodes than `own`, which does not lead and sees that `leader` does.
    pub(super) fn others(&self, own: &str, leader: Option<&str>, commit: u64) -> Vec<NodeView> {
        self.views(own, commit, |node, _| if leader == Some(node) { NodeRole::Leader } else { NodeRole::Unknown })
    }

    fn views(&self, own: &str, commit: u64, role: impl Fn(&str, Duration) -> NodeRole) -> Vec<NodeView> {
        let now = clock::now();
        let nodes = self.lock();
        let others = nodes.values().filter(|(report, _)| report.node != own);
        let view = |(report, at): &(Report, Instant)| {
            let age = now.saturating_duration_since(*at);
            NodeView::new(report, role(&report.node, age), commit, age)
        };
        others.map(view).collect()
    }
}

#[cfg(test)]
mod tests;
