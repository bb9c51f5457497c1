//! Backups of a running host, and what a restore needs of releases.

pub(super) mod restore;
pub(super) mod write;
