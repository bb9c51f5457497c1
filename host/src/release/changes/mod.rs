//! All kinds of changes, and the one function that runs them.

pub(super) mod apply;
pub(super) mod apply_plan;
pub(super) mod change_set;
pub(super) mod compare;
mod copy_answers;
mod copy_use;
pub(super) mod deploy;
pub(super) mod drop_store;
pub(super) mod handover;
pub(super) mod intents;
mod mirror_tasks;
mod prepare;
mod rollback;
pub(super) mod rollout;
pub(super) mod run;
pub(super) mod tokens;
pub(super) mod watch;
