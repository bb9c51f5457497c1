//! The index of each store: a redb file with its state at one number.

pub(super) mod backend;
mod checksum;
pub(super) mod disk_space;
pub(super) mod error;
mod file;
pub(super) mod health;
pub(super) mod reader;

pub use file::INDEX_FORMAT;
pub(super) use file::{Index, path, remove, services};
