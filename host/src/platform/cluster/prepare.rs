//! Before the leader commits releases, every other live node gets their files and compiles them.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use tokio::time::Instant;

use super::forward::Forwarder;
use super::nodes::Nodes;
use super::roles::Roles;
use crate::journal::stream::Leader;
use crate::release::{Needed, Prepare};
use crate::tasks::blocking;

/// How long the leader waits for a node. The change goes on without it, and that node is not ready until it has caught up.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Asks the nodes of which `nodes` knows.
pub(super) fn asking(nodes: &Arc<Nodes>, forwarder: &Arc<Forwarder>) -> Prepare {
    let (nodes, forwarder) = (Arc::clone(nodes), Arc::clone(forwarder));
    Prepare(Arc::new(move |needed: Vec<Needed>| {
        let (followers, forwarder) = (nodes.live(), Arc::clone(&forwarder));
        async move {
            let Ok(needed) = serde_json::to_vec(&needed) else { return };
            join_all(followers.iter().map(|node| ask(&forwarder, node, &needed))).await;
        }
        .boxed()
    }))
}

async fn ask(forwarder: &Forwarder, node: &Leader, needed: &[u8]) {
    if forwarder.tell(node, "/prepare", needed.to_vec(), WAIT_MAX).await.is_none() {
        tracing::warn!(
            node = node.node,
            "a node is not ready for the new releases; the change goes on, and the leader answers its reads until it is"
        );
    }
}

/// Gets this node ready for what the leader says; false if it is not.
pub(super) async fn get_ready(roles: &Roles, needed: &[u8]) -> bool {
    let Ok(needed) = serde_json::from_slice::<Vec<Needed>>(needed) else { return false };
    // It may be building one for the change before.
    let Some(replica) = roles.wait_for_replica(Instant::now() + WAIT_MAX).await else { return false };
    let ready = blocking(move || replica.releases.get_ready(&needed)).await;
    match ready {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "this node is not ready for the releases that the leader is about to commit");
            false
        }
        // It panicked, which is logged.
        Err(_) => false,
    }
}
