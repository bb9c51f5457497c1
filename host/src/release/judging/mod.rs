//! Judging proposed releases before anything changes, and candidates while they run.

pub(super) mod candidate;
pub(super) mod isolated;
pub(super) mod judge;
pub(super) mod judge_input;
pub(super) mod rehearse;
pub(super) mod signature;
pub(super) mod verdict;
