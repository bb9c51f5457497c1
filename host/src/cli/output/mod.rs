//! The output of the commands: tables, figures, verdicts, progress, questions and failures.

pub(super) mod confirm;
pub(super) mod failure;
pub(super) mod format;
pub(super) mod print;
pub(super) mod progress;
pub(super) mod summary;
pub(super) mod value;
pub(super) mod verdict;
pub(super) mod watch;
