//! Components and contracts on the disk, and the releases that are loaded from them.

pub(super) mod files;
pub(super) mod function_limits;
pub(super) mod function_names;
pub(super) mod loader;
pub(super) mod pinned_tables;
pub(super) mod uploads;
