//! Why the services of a data directory cannot be started.

use std::path::PathBuf;

use super::loading::files::FileError;
use super::loading::loader::LoadError;
use super::records::platform_store::PlatformError;
use crate::call::NotExported;
use crate::contract::Verdict;
use crate::names::ServiceName;
use crate::observe::error_chain;
use crate::runtime::RuntimeError;
use crate::store::{CommitError, DropError, Stopped};

/// Why the services cannot be started. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// Of a node that follows.
    #[error("the leader of the cluster has not committed its services yet")]
    Unstarted,
    #[error(
        "{service} has releases, but {} is missing: put it back, or restore the data directory from a backup",
        path.display()
    )]
    StoreMissing { service: ServiceName, path: PathBuf },
    #[error("the store of a service cannot be opened")]
    Store(#[from] crate::store::OpenError),
    #[error("the empty store of {service}, which has no service, cannot be removed")]
    Drop { service: ServiceName, source: DropError },
    #[error("the releases cannot be recorded")]
    Commit(#[from] CommitError),
    #[error("the releases cannot be recorded")]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the component of {service} cannot be read from {path}: build it, or correct the manifest", path = path.display())]
    Component { service: ServiceName, path: PathBuf, source: std::io::Error },
    #[error("the component of {service} does not keep its contract\n{verdict}")]
    Refused { service: ServiceName, verdict: Box<Verdict> },
    #[error("the manifest asks for a signature of the component of {service} in {}: there is {why}", path.display())]
    Unsigned { service: ServiceName, path: PathBuf, why: String },
    #[error("the data of {service} is not what its component can do with: {why}")]
    Data { service: ServiceName, why: String },
    /// The manifest is right, and so are the applied settings.
    #[error("the applied services do not fit this manifest: {}", mistakes.join("; "))]
    Services { mistakes: Vec<String> },
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    #[error(transparent)]
    Together(#[from] NotExported),
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
    /// The mistakes in several services, all found before anything was compiled.
    #[error("{}", lines(.errors))]
    Several { errors: Vec<OpenError> },
}

impl OpenError {
    /// Whether the same host may open its services a moment later: the servers of its cluster do not answer yet.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            // The stream did not acknowledge the first commits in time.
            Self::Stopped(_) => true,
            Self::File(error) | Self::Load(LoadError::File(error)) => {
                matches!(error, FileError::Share { .. } | FileError::Fetch { .. })
            }
            Self::Several { errors } => errors.iter().all(Self::may_pass),
            _ => false,
        }
    }
}

fn lines(errors: &[OpenError]) -> String {
    errors.iter().map(|error| error_chain(error)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::stream::StreamError;

    /// Servers that were just started elect a leader of the object store, and answer nothing until then. A first leader that
    /// ended because of it ended the start of a whole cluster.
    #[test]
    fn servers_that_do_not_answer_yet_do_not_end_a_host() {
        let share =
            || FileError::Share { object: "contracts/1".into(), source: StreamError::unavailable("it took too long") };
        assert!(OpenError::from(share()).may_pass());
        assert!(OpenError::from(LoadError::File(share())).may_pass());
        let damaged = || OpenError::from(FileError::Damaged { path: PathBuf::new() });
        assert!(!damaged().may_pass());
        assert!(!OpenError::Several { errors: vec![share().into(), damaged()] }.may_pass());
    }
}
