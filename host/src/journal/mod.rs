//! The ordered, durable record of commits: segment files, written in batches by one thread.
//!
//! Invariant: records are numbered without a gap, and the durable records are always a prefix of that order.

mod append_error;
mod archive;
mod batch;
mod disk;
mod durable;
mod frame;
mod frames;
mod handle;
mod history;
mod pieces;
mod record;
mod recovery;
mod retrying_disk;
mod segment_writer;
mod shared;
#[cfg(any(test, feature = "fail-points"))]
pub(crate) mod simulated;
mod spares;
mod staging;
pub mod stream;
mod stream_journal;
mod stream_writer;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use append_error::AppendError;
pub(crate) use archive::Archive;
pub(crate) use disk::{Directory, Disk, DiskFile, JOURNAL_FOLDER, SERVICES_FOLDER, open_lock_file};
pub use durable::Stopped;
pub(crate) use frame::Body;
#[cfg(test)]
pub(crate) use frame::SegmentHeader;
pub use frame::{Damage, JOURNAL_FORMAT, JournalId};
pub use frames::{End, Frames};
pub(crate) use handle::{Journal, JournalSettings, StreamSettings};
pub use history::HistoryError;
pub(crate) use history::{Checked, Folder, History, begin_journal, begin_journal_at};
pub(crate) use pieces::pieces;
pub use record::{Event, Record, RecordError, Section};
pub(crate) use record::{RecordWriter, SectionWriter};
pub use recovery::OpenError;
pub(crate) use recovery::{Found, Tail, find, positions, replay};
pub(crate) use retrying_disk::RetryingDisk;
pub(crate) use staging::Staged;
