//! Judging proposed releases before anything changes, and candidates while they run.

mod answers;
pub(super) mod candidate;
pub(super) mod isolated;
pub(super) mod judge;
pub(super) mod judge_input;
pub(super) mod rehearse;
pub(super) mod signature;
pub(super) mod start;
pub(super) mod start_http;
pub(super) mod verdict;
