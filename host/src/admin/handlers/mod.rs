//! The handlers of the operator API: one file for each subject.

pub(super) mod apply;
pub(super) mod backup;
pub(super) mod call;
pub(super) mod entries;
pub(super) mod events;
pub(super) mod health;
pub(super) mod intents;
pub(super) mod logs;
pub(super) mod releases;
pub(super) mod services;
pub(super) mod state;
pub(super) mod stores;
pub(super) mod tokens;
pub(super) mod version;
