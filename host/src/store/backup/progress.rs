//! The progress of a backup or a restore, and whether a client still waits for it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// The progress of a backup or a restore.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The current step, as text for people.
    pub what: String,
    /// Bytes written or checked so far.
    pub bytes: u64,
    /// The estimated total of bytes to write and check.
    pub bytes_total: u64,
}

/// The client that waited is gone, or the host stops.
#[derive(Debug, thiserror::Error)]
#[error("it was cancelled")]
pub struct Cancelled;

/// Counts the work that is done, and reports it.
pub(crate) struct ProgressReport<'a> {
    now: Progress,
    tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl std::fmt::Debug for ProgressReport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProgressReport").field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> ProgressReport<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        Self { now: Progress::default(), tell }
    }

    /// Adds `bytes` to the total of bytes to write or check.
    pub(crate) fn expect(&mut self, bytes: u64) {
        self.now.bytes_total = self.now.bytes_total.saturating_add(bytes);
    }

    pub(crate) fn begin(&mut self, what: String) -> Result<(), Cancelled> {
        self.now.what = what;
        self.done(0)
    }

    /// Adds `bytes` to the bytes that are done.
    pub(crate) fn done(&mut self, bytes: u64) -> Result<(), Cancelled> {
        self.now.bytes = self.now.bytes.saturating_add(bytes);
        match (self.tell)(&self.now) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Cancelled),
        }
    }
}
