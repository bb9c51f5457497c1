//! Releases: the component of each service, and its changes while calls go on.
//!
//! Invariant: one change at a time. It is durable, with its line in the history, before a call begins on it. A failed
//! change leaves only a line.

mod backup;
mod changes;
mod check_files;
mod entries;
mod error;
mod judging;
mod loading;
mod mirror;
mod open;
mod open_error;
mod prepare;
mod records;
mod releases;
mod replica;
mod start;
#[cfg(test)]
mod tests;
mod transfer;
mod trials;
mod view;

pub use backup::restore::restore;
#[cfg(any(test, feature = "fail-points"))]
pub(crate) use backup::restore::restore_between;
pub use backup::write::BackupError;
pub use changes::apply::Applied;
pub use changes::apply_plan::{Scope, Wanted};
pub use changes::compare::{Difference, Differs};
pub use changes::deploy::{Deployed, Outcome, Plan, Rollout};
pub use changes::drop_store::StoreView;
pub use check_files::check_files;
pub use entries::{EntryEdit, EntryEdited, EntryError, EntryPage, EntrySize, EntryValue, EntryView, Expected};
pub use error::DeployError;
pub use judging::judge_input::Proposal;
pub use judging::signature::SignatureFault;
pub use judging::start::{StartCheck, check_start};
pub use judging::start_http::check_start_http;
pub use judging::verdict::{Answering, Asks, Check, Checked, FunctionCheck, Verdict};
pub use loading::files::FileError;
pub use loading::loader::LoadError;
pub use mirror::{MirrorError, MirrorPhase, MirrorStatus};
pub use open_error::OpenError;
pub(crate) use prepare::{Needed, Prepare};
pub use records::platform_store::{PLATFORM_FORMAT, PlatformError};
pub use records::record::{ChangeKind, DataFormat, HistoryEntry};
pub use records::token::{Holder, Role, TokenView};
pub use releases::Releases;
pub(crate) use replica::ReplicaReader;
pub use start::Progress;
pub(crate) use start::Report;
pub use transfer::{ImportReport, StateExport, StateLine, TransferError};
pub(crate) use trials::{OpenCircuit, TrialFigures};
pub use view::{CandidateView, MirrorView, ReleaseView, ServiceView};
