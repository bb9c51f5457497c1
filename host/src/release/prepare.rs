//! What the other nodes of a cluster need for a release, and how the leader tells them.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::names::{Digest, ServiceName};

/// What a node needs for a release.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Needed {
    pub(super) service: ServiceName,
    pub(super) component: Digest,
    /// `None` if it speaks HTTP itself.
    pub(super) contracts: Option<Digest>,
}

/// Lets the other nodes get ready, and returns when they are, or after a limit.
#[derive(Clone)]
pub(crate) struct Prepare(pub(crate) Arc<dyn Fn(Vec<Needed>) -> BoxFuture<'static, ()> + Send + Sync>);

impl fmt::Debug for Prepare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepare(..)")
    }
}
