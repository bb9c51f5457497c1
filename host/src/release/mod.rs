//! Releases: which component each service runs, and how that changes while calls go on.
//!
//! Invariant: one change at a time. It is durable, with its line in the history, before a call begins on it; of a change
//! that fails nothing remains but a line.

mod apply;
mod apply_plan;
mod backup;
mod candidate;
mod change;
mod change_set;
mod compare;
mod deploy;
mod drop_store;
mod error;
mod files;
mod intents;
mod isolated;
mod judge;
mod judge_input;
mod loader;
mod open;
mod pinned;
mod platform_store;
mod record;
mod rehearse;
mod releases;
mod restore;
mod run;
mod state;
mod token;
mod tokens;
mod uploads;
mod verdict;
mod view;
mod watch;

pub use apply::Applied;
pub use apply_plan::Wanted;
pub use backup::BackupError;
pub use compare::{Difference, Differs};
pub use deploy::{Deployed, Outcome, Plan, Rollout};
pub use drop_store::StoreView;
pub use error::DeployError;
pub use files::FileError;
pub use judge_input::Proposal;
pub use loader::LoadError;
pub(crate) use open::Report;
pub use open::{OpenError, Progress};
pub use platform_store::PlatformError;
pub use record::{DataVersions, Line, What};
pub use releases::Releases;
pub use restore::restore;
pub use token::{Holder, Role, TokenView};
pub use verdict::{Asks, Check, Checked, Verdict};
pub use view::{CandidateView, ReleaseView, ServiceView};
