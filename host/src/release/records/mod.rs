//! What is recorded of releases, and the state that the records and the loaded releases make.

pub(super) mod platform_store;
pub(super) mod record;
pub(super) mod state;
pub(super) mod token;
