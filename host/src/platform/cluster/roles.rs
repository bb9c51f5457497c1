//! The role of this node at the moment, and where a request goes because of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::drain::{DrainGuard, Drainable};
use super::envelope::NodeKey;
use super::replica::Replica;
use crate::admin::Admin;
use crate::gateway::Gateway;
use crate::journal::stream::Leader;
use crate::release::{Holder, Releases, ReplicaReader};
use crate::store::{ClusterView, ClusterViewSender, Stores};

/// What a leader serves requests with.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) gateway: Arc<Gateway>,
    pub(super) admin: Arc<Admin>,
    pub(super) stores: Stores,
    pub(super) releases: Releases,
    pub(super) since: std::time::Instant,
}

/// Where a request goes.
#[derive(Debug)]
pub(super) enum Target {
    Here(DrainGuard<Serving>),
    There(Leader),
}

/// The role of this node, and what it sees of its cluster.
#[derive(Debug)]
pub(super) struct Roles {
    /// This node, as it calls itself when it leads.
    pub(super) node: Leader,
    pub(super) view: ClusterViewSender,
    serving: ArcSwapOption<Drainable<Serving>>,
    replica: ArcSwapOption<Drainable<Replica>>,
    /// The stores, while they are open.
    stores: ArcSwapOption<Stores>,
    key: OnceLock<NodeKey>,
    /// Why this node takes no part in its cluster at the moment.
    trouble: ArcSwapOption<String>,
    stepping_down: Notify,
}

impl Roles {
    pub(super) fn new(node: Leader) -> Arc<Self> {
        Arc::new(Self {
            node,
            view: ClusterViewSender::default(),
            serving: ArcSwapOption::empty(),
            replica: ArcSwapOption::empty(),
            stores: ArcSwapOption::empty(),
            key: OnceLock::new(),
            trouble: ArcSwapOption::empty(),
            stepping_down: Notify::new(),
        })
    }

    /// From here on, requests run on `serving`; without it, they go to the leader or wait for one.
    pub(super) fn lead(&self, serving: Option<Arc<Drainable<Serving>>>) {
        self.serving.store(serving);
        // Wakes those that wait for a leader.
        self.view.send_modify(|_| {});
    }

    /// From here on, reads run on `replica`; without it, the leader answers them. Returns the one before.
    pub(super) fn set_replica(&self, replica: Option<Arc<Drainable<Replica>>>) -> Option<Arc<Drainable<Replica>>> {
        let before = self.replica.swap(replica);
        // Wakes those that wait for one.
        self.view.send_modify(|_| {});
        before
    }

    pub(super) fn has_replica(&self) -> bool {
        self.replica.load().is_some()
    }

    /// What a read of this node runs on; `None` if the leader has to answer it.
    pub(super) fn replica(&self) -> Option<DrainGuard<Replica>> {
        let replica = self.replica.load_full()?;
        let in_use = replica.begin();
        // One that was taken away between the two steps is already waited for, or does not wait at all.
        self.replica.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, &replica)).then_some(in_use)
    }

    /// Like [`Roles::replica`]; waits for one until `deadline`.
    pub(super) async fn wait_for_replica(&self, deadline: Instant) -> Option<DrainGuard<Replica>> {
        let mut changes = self.view.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(replica) = self.replica() {
                return Some(replica);
            }
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Whose named token `given` is, as far as this node knows.
    pub(super) fn holder(&self, given: &[u8]) -> Option<Holder> {
        let stores = self.stores()?;
        ReplicaReader::new(&stores).holder(given).unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot read the tokens of the cluster");
            None
        })
    }

    /// The stores of this node; `None` while they are closed.
    pub(super) fn set_stores(&self, stores: Option<&Stores>) {
        self.stores.store(stores.cloned().map(Arc::new));
    }

    pub(super) fn stores(&self) -> Option<Arc<Stores>> {
        self.stores.load_full()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        self.trouble.store(trouble.map(Arc::new));
    }

    pub(super) fn trouble(&self) -> Option<Arc<String>> {
        self.trouble.load_full()
    }

    pub(super) fn leads(&self) -> bool {
        self.serving.load().is_some() && self.stores().is_some_and(|stores| !stores.was_replaced())
    }

    pub(super) fn view(&self) -> ClusterView {
        self.view.borrow().clone()
    }

    /// Where a request goes now; `None` while nobody leads whom this node knows.
    pub(super) fn target_now(&self) -> Option<Target> {
        if let Some(serving) = &*self.serving.load() {
            let running = serving.begin();
            // One that was taken away between the two steps is already waited for, or does not wait at all.
            return self.leads().then_some(Target::Here(running));
        }
        let leader = self.view.borrow().leader.clone()?;
        (leader.node != self.node.node).then_some(Target::There(leader))
    }

    /// Where a request goes; waits for a leader until `deadline`.
    pub(super) async fn target(&self, deadline: Instant) -> Option<Target> {
        let mut changes = self.view.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(target) = self.target_now() {
                return Some(target);
            }
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Resolves when another node than `leader` leads, or this one does.
    pub(super) async fn other_leader(&self, leader: &Leader) {
        let mut changes = self.view.subscribe();
        let is_other = |view: &ClusterView| view.leader.as_ref().is_some_and(|now| now != leader);
        // The sender is `self`, so it does not end before.
        let _other = changes.wait_for(is_other).await;
    }

    /// The key of the cluster, once this node has it.
    pub(super) fn key(&self) -> Option<&NodeKey> {
        if let Some(key) = self.key.get() {
            return Some(key);
        }
        let stores = self.stores()?;
        match ReplicaReader::new(&stores).secret() {
            Ok(secret) => secret.map(|secret| self.key.get_or_init(|| NodeKey::new(&secret))),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot read the key of the cluster");
                None
            }
        }
    }

    pub(super) fn step_down(&self) {
        self.stepping_down.notify_one();
    }

    pub(super) async fn asked_to_step_down(&self) {
        self.stepping_down.notified().await;
    }

    /// How long this node may still speak for the cluster; zero while it does not lead.
    pub(super) fn lease_left(&self) -> Duration {
        self.stores().and_then(|stores| stores.lease_left()).unwrap_or_default()
    }
}
