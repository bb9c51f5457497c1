//! The records of releases, and the state in memory that combines them with the loaded releases.

pub(super) mod platform_store;
pub(super) mod record;
pub(super) mod state;
pub(super) mod stored_data;
pub(super) mod token;
