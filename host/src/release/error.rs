//! Why a change of releases was not made. In every case the live releases stay live.

use std::path::PathBuf;

use super::judging::signature::SignatureFault;
use super::judging::verdict::Verdict;
use super::loading::files::FileError;
use super::loading::loader::LoadError;
use super::mirror::MirrorError;
use super::records::platform_store::PlatformError;
use crate::call::{FindError, IntentError, IntentView, NotExported};
use crate::limits::CANDIDATES_MAX;
use crate::names::{Digest, ServiceName};
use crate::store::{CommitError, OpenError, Stopped};

/// Why a change of releases was not made. In every case the live releases stay live.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("there is no service {service}")]
    NoService { service: ServiceName },
    /// In the order of the proposals; at least one is refused.
    #[error("refused: {}", verdicts.iter().map(|verdict| verdict.text.clone()).collect::<Vec<_>>().join("\n"))]
    Refused { verdicts: Vec<Verdict> },
    #[error("{service} has no candidate")]
    NoCandidate { service: ServiceName },
    #[error(
        "the trial of {digest} of {service} still runs: end it with `switchyard abort {service}`, or let this deploy end \
         it with `replace` (`--replace`)"
    )]
    HasCandidate { service: ServiceName, digest: Digest },
    #[error("the trial of {service} is {} already", if *paused { "paused" } else { "running" })]
    PausedAlready { service: ServiceName, paused: bool },
    #[error("{service} has no earlier release{}", which.as_ref().map(|which| format!(" {which}")).unwrap_or_default())]
    NoEarlier { service: ServiceName, which: Option<String> },
    #[error(
        "release {number} of {service} cannot run, because {} is missing: put it back, or deploy its component again",
        path.display()
    )]
    Missing { service: ServiceName, number: u64, path: PathBuf },
    /// The data prevents the rollback.
    #[error(
        "the data of {service} is of version {there}, and the release reads up to version {reads_up_to}: it may fail or \
         damage it; `force` goes back all the same"
    )]
    DataMovedOn { service: ServiceName, there: u64, reads_up_to: u64 },
    /// A rollback over data in another format.
    #[error(
        "the data of {service} has {there}, and the release writes {format}: it would misread it; `force` goes back all \
         the same"
    )]
    OtherFormat { service: ServiceName, there: String, format: String },
    #[error("{service} has no handover: `switchyard deploy {service} FILE --handover` begins one")]
    NoHandover { service: ServiceName },
    #[error("a handover is of one service: deploy the services of a set one after the other")]
    HandoverOfOne,
    #[error(
        "{service} has a handover that is not settled: `switchyard settle {service}` ends it, `switchyard rollback \
         {service}` goes back"
    )]
    Mirrored { service: ServiceName },
    #[error(
        "no share of the calls of {service} can go to an implementation with data of its own: its data is a copy, and two \
         generations cannot both be written; deploy it with `--handover` alone, with `--shadow` to compare answers first, or \
         with `--header NAME=VALUE` for requests that only read"
    )]
    BothWritten { service: ServiceName },
    #[error("the data of the last handover of {service} is still being deleted: try again in a moment")]
    StillDeleting { service: ServiceName },
    #[error("the handover of {service} is not made")]
    Handover { service: ServiceName, source: MirrorError },
    /// A rollback to a release that is not signed by the signers of the manifest.
    #[error(
        "{digest} of {service} has {fault}, but the manifest requires a signature: use `force` to roll back anyway"
    )]
    Unsigned { service: ServiceName, digest: Digest, fault: SignatureFault },
    /// A rollback to a release with another contract.
    #[error(
        "{} would not fit the earlier release of {service}, whose contract was another one: with the contracts of then, \
         deploy both as one with `--set`",
        broken.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ")
    )]
    Breaks { service: ServiceName, broken: Vec<ServiceName> },
    #[error("calls of {service} did not end within {pause_ms} ms, the longest pause that its migration allows")]
    NotQuiet { service: ServiceName, pause_ms: u64 },
    #[error("the migration of {service} failed: {why}")]
    Migration { service: ServiceName, why: String },
    #[error("{CANDIDATES_MAX} services have a candidate already: promote or abort one of them")]
    TooManyCandidates,
    #[error(
        "{service} speaks HTTP itself, so that the host cannot run a request of it twice: give a candidate a share of \
         the callers instead"
    )]
    NoShadow { service: ServiceName },
    #[error("no token {name:?}: {why}")]
    Token { name: String, why: &'static str },
    #[error("other changes were committed first, several times: try again")]
    Busy,
    #[error("no kept release has this component: upload it")]
    NoComponent,
    #[error("{service} cannot be removed: only it exports what these import: {}", names(by))]
    Imported { service: ServiceName, by: Vec<ServiceName> },
    #[error(
        "{service} cannot change between `mount` and `contract`: remove it with one apply, and add it with the next"
    )]
    OtherKind { service: ServiceName },
    #[error("{service} is new, and no component is named for it")]
    NoComponentNamed { service: ServiceName },
    /// Each of two manifests is right, and their services do not fit into one host.
    #[error(
        "the services of this host would not fit together: {}; settings of `runtime` change only at a restart",
        mistakes.join("; ")
    )]
    Services { mistakes: Vec<String> },
    #[error("{service} is not in the manifest: add it, or leave out its component")]
    NotInManifest { service: ServiceName },
    #[error("{service} exists: remove it before you drop its store")]
    Exists { service: ServiceName },
    #[error("there is no store of {service}, and no release")]
    NothingLeft { service: ServiceName },
    #[error("the store of a service cannot be added")]
    Store(#[from] OpenError),
    #[error(transparent)]
    Together(#[from] NotExported),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Platform(#[from] PlatformError),
    #[error("the change cannot be committed; nothing was changed")]
    Commit(#[from] CommitError),
    /// It is committed, and the next start shows whether it survives.
    #[error("the change may not be durable: restart the host, which shows whether it is")]
    NotDurable(#[from] Stopped),
    #[error(transparent)]
    Intent(#[from] IntentError),
    #[error("cannot read the unfinished calls of the service from before it was removed")]
    Find(#[from] FindError),
    #[error("unfinished calls may still reach {service}: {}", named(intents))]
    IntentsOpen { service: ServiceName, intents: Vec<IntentView> },
    #[error("a task ended early")]
    Interrupted(#[from] tokio::task::JoinError),
    /// Nothing was begun.
    #[error("the host stops")]
    Stops,
    /// The change continues, or is finished at the next start.
    #[error("the host stops")]
    Stopping(#[from] tokio::sync::oneshot::error::RecvError),
}

fn names(services: &[ServiceName]) -> String {
    services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(", ")
}

/// The first few intents, and how many more there are.
fn named(intents: &[IntentView]) -> String {
    const NAMED: usize = 5;
    let first = intents.iter().take(NAMED);
    let mut names: Vec<_> =
        first.map(|intent| format!("{} of {} {}", intent.id, intent.service, intent.function)).collect();
    if intents.len() > NAMED {
        names.push(format!("and {} more", intents.len() - NAMED));
    }
    names.join(", ")
}
