//! The settings of a cluster: several hosts whose journal is one stream of NATS JetStream.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a host takes part in a cluster. Without servers, it runs alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSettings {
    /// The NATS servers, as `host:port`, `nats://host:port` or `tls://host:port`. Empty: there is no cluster.
    pub servers: Vec<String>,
    /// A file with a user's JWT and seed, or with the seed of an nkey.
    pub credentials_file: Option<PathBuf>,
    /// The certificates that the servers are checked against, in place of those of the system.
    pub tls_ca: Option<PathBuf>,
    /// The certificate that this host shows to the servers, and its key.
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// The name of the cluster: a part of the names of its stream.
    pub name: String,
    /// The name of this host in the cluster; `None`: the host name of the machine.
    pub node: Option<String>,
    /// Where this host accepts the requests of the other hosts.
    pub listen: SocketAddr,
    /// Where the other hosts reach that; `None`: `listen`.
    pub address: Option<String>,
    /// The number of NATS servers that store the stream.
    pub replicas: usize,
    /// Bytes that the stream grows by until the leader stores the next copy of the stores.
    pub copy_after_bytes: u64,
    /// Bytes at which the stream accepts no more commits.
    pub stream_bytes_max: u64,
    /// How long a leader may speak for the cluster after it sent its last acknowledged message.
    pub lease_ms: u64,
    /// How long a leader without commits waits before it sends a message.
    pub heartbeat_ms: u64,
    pub reads: Reads,
    /// How old the state may be that a stale read sees.
    pub stale_ms_max: u64,
}

impl ClusterSettings {
    /// The name of a node on a machine with this host name, if it can be one.
    #[must_use]
    pub fn node_of_machine(host_name: &str) -> Option<String> {
        let node = host_name.split('.').next().unwrap_or_default();
        is_name(node).then(|| node.to_owned())
    }

    /// Whether this host is part of a cluster.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.servers.is_empty()
    }
}

/// What a read sees of the commits that were made on other hosts of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reads {
    /// All that were acknowledged before it began.
    Linearizable,
    /// At least those that its client has seen.
    Session,
    /// Those up to a bounded time ago.
    Stale,
}

/// Whether `text` can be the name of a cluster or of a node: a token in the subjects and streams of NATS.
pub(super) fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// Longest name of a cluster or a node, in bytes: it is a part of names that NATS bounds at 255 bytes.
pub(super) const NAME_BYTES_MAX: usize = 64;
