//! Backups of a running host, and the files of releases that a restore needs.

pub(super) mod restore;
pub(super) mod write;
