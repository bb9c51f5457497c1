//! The commit pipeline: validates a commit against the recent ones, numbers it, and publishes the new state.

mod apply;
pub(super) mod commit_log;
pub(super) mod logged_commit;
pub(super) mod part;
pub(super) mod read_set;
pub(super) mod sequencer;
pub(super) mod state;
pub(super) mod turnstile;
pub(super) mod writes_after;
