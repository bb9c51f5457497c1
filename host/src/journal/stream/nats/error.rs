//! Why a host cannot be part of its cluster: each text says what to change.

use std::io;
use std::path::PathBuf;

use super::check::ServerError;
use crate::journal::stream::error::{RESEED, StreamError};

/// Why the stream of a cluster was not opened.
#[derive(Debug, thiserror::Error)]
pub enum NatsError {
    #[error("cannot read the credentials in {}: check `cluster.credentials_file`", path.display())]
    CredentialsFile { path: PathBuf, source: io::Error },
    #[error(
        "{} has neither a user's JWT and seed, as `nsc generate creds` writes them, nor the seed of an nkey, which begins \
         with `SU`",
        path.display()
    )]
    Credentials { path: PathBuf },
    #[error(
        "cannot connect to any NATS server of {}: check `cluster.servers`, the credentials and the certificates, and that \
         the servers run", servers.join(", ")
    )]
    Connect { servers: Vec<String>, source: async_nats::ConnectError },
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(
        "the account of this host has no JetStream on the NATS server {server}: enable it for the account, or use the \
         credentials of another one"
    )]
    NoJetStreamInAccount { server: String },
    #[error(
        "the NATS server {server} cannot store the stream on {replicas} servers ({why}): start as many servers, give them \
         more storage, or lower `cluster.replicas` or `cluster.stream_bytes_max`"
    )]
    TooFewServers { server: String, replicas: usize, why: String },
    #[error(
        "the stream {stream} is stored on {found} servers, and `cluster.replicas` is {replicas}: change the setting, or the \
         stream with `nats stream edit {stream} --replicas={replicas}`"
    )]
    OtherReplicas { stream: String, found: usize, replicas: usize },
    #[error("the stream {stream} has {bytes} bytes, and `cluster.stream_bytes_max` is {bytes_max}: raise it")]
    TooLarge { stream: String, bytes: u64, bytes_max: u64 },
    #[error("cannot open the stream {stream} ({why}): check what the user of this host may do with it")]
    Stream { stream: String, why: String },
    #[error(
        "the stream {stream} does not exist, and this host has its messages up to {last}: it was deleted, or \
         `cluster.name` or the servers are those of another cluster; {RESEED}"
    )]
    Gone { stream: String, last: u64 },
    #[error("the stream {stream} does not exist, and the object store of the cluster does: it was deleted; {RESEED}")]
    OnlyObjects { stream: String },
    #[error(transparent)]
    Unavailable(#[from] StreamError),
    #[error("cannot start the thread of the NATS client")]
    Thread { source: io::Error },
}

impl NatsError {
    /// Whether servers were reached, and could not open the stream yet.
    pub(crate) fn servers_elect(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TooFewServers { .. } | Self::Stream { .. })
    }

    /// Whether the stream may open a moment later with the same settings: servers start, or elect a leader.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Unavailable(_) | Self::TooFewServers { .. } | Self::Stream { .. } => true,
            // An operator writes the stream again while this host waits.
            Self::Gone { .. } | Self::OnlyObjects { .. } => true,
            _ => false,
        }
    }
}
