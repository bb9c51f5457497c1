//! The records of releases, and the state in memory that they and the loaded releases make.

pub(super) mod platform_store;
pub(super) mod record;
pub(super) mod state;
pub(super) mod token;
