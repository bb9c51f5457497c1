//! Why the host does not start, or did not stop cleanly.

use std::net::SocketAddr;

use crate::admin::AdminStartError;

use crate::gateway::{GatewayError, TlsError};
use crate::observe::traces::TelemetryError;
use crate::runtime::{FolderError, RuntimeError};
use crate::store::{CloseError, JoinError, OpenError};

/// Why the host does not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {}", listen_advice(source.kind(), flag))]
    Listen { address: SocketAddr, flag: &'static str, source: std::io::Error },
    #[error("cannot use the data directory")]
    Data(#[from] FolderError),
    #[error(transparent)]
    Releases(#[from] crate::release::OpenError),
    #[error("cannot open the stores")]
    Store(#[from] OpenError),
    #[error("the host name {host_name:?} of this machine is no name of a node: set `cluster.node`")]
    NodeName { host_name: String },
    #[error("cannot start a thread")]
    Thread { source: std::io::Error },
    #[error("the thread of the node has panicked")]
    Panicked,
    #[error("cannot find the calls that the last run of the host had begun")]
    Intents(#[from] crate::call::FindError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("a listener has no address")]
    Address { source: std::io::Error },
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Admin(#[from] AdminStartError),
    #[error("cannot export traces")]
    Telemetry(#[from] TelemetryError),
}

fn listen_advice(kind: std::io::ErrorKind, flag: &str) -> String {
    match kind {
        std::io::ErrorKind::AddrInUse => format!("another program uses it; choose another port with --{flag}"),
        std::io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; choose one of its own with --{flag}, or 0.0.0.0 for all of them")
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("this user may not use the port; choose one from 1024 on with --{flag}")
        }
        _ => format!("choose another address with --{flag}"),
    }
}

impl StartError {
    /// Whether the same node may take part in its cluster a moment later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Store(OpenError::Join(error)) => error.may_pass(),
            // An operator writes the stream again from this data directory.
            Self::Store(OpenError::Locked { .. }) => true,
            Self::Releases(error) => error.may_pass(),
            _ => false,
        }
    }

    /// Whether the servers of the stream were reached, and could not open it yet: after their start they elect leaders.
    pub(super) fn servers_elect(&self) -> bool {
        match self {
            Self::Store(OpenError::Join(error)) => error.servers_elect(),
            _ => false,
        }
    }

    /// Whether the start of a node was ended on purpose.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Store(OpenError::Join(JoinError::Cancelled)))
    }
}

/// Why a file was not reloaded.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Gateway(#[from] TlsError),
    #[error(transparent)]
    Admin(#[from] AdminStartError),
}

/// The parts that did not end cleanly at a stop. The data is intact, as after a crash.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("these tasks did not end in time: {}", tasks.join(", "))]
    Tasks { tasks: Vec<String> },
    #[error("the thread of the node has panicked")]
    Panicked(#[from] crate::tasks::Panicked),
    #[error("the stores did not close")]
    Store(#[from] CloseError),
    #[error("a task of the stop ended early")]
    Interrupted(#[from] tokio::task::JoinError),
}
