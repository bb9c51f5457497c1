//! The tests of the host as a whole: a file per theme.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]

mod apply;
mod backup;
mod calls;
mod closed_pipes;
mod command_line;
mod compile;
mod deploy_files;
mod events;
mod guest;
mod hostile;
mod log;
mod migration;
mod ordinary;
mod releases;
mod smoke;
mod traces;
mod web;
