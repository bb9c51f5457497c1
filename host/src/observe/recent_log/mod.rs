//! The recent log on the disk: what components and the host logged, as lines of JSON in a few files of bounded size.
//!
//! Invariant: a file consists of whole lines, except that its end, or a place where the disk failed, may be torn.
//! Readers skip what is no line of JSON.

mod folder;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::{LogFilter, LogPage, LogPosition, read_recent};
pub(crate) use write::RecentLogWriter;

/// The folder in the data directory.
pub const LOG_FOLDER: &str = "log";
