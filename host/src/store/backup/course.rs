//! How far a backup or a restore is, and whether anybody still waits for it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

/// How far a backup or a restore is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What is being done, for people.
    pub what: String,
    /// Bytes that were written or checked.
    pub bytes: u64,
    /// Of about so many.
    pub bytes_total: u64,
}

/// Nobody waits for it any more, or the host stops.
#[derive(Debug, thiserror::Error)]
#[error("it was broken off")]
pub struct BrokenOff;

/// Counts what is done, and tells it.
pub(crate) struct Course<'a> {
    now: Progress,
    tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
}

impl std::fmt::Debug for Course<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Course").field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> Course<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        Self { now: Progress::default(), tell }
    }

    /// There are so many bytes more to write or to check.
    pub(crate) fn expect(&mut self, bytes: u64) {
        self.now.bytes_total = self.now.bytes_total.saturating_add(bytes);
    }

    pub(crate) fn begin(&mut self, what: String) -> Result<(), BrokenOff> {
        self.now.what = what;
        self.done(0)
    }

    /// So many bytes are done.
    pub(crate) fn done(&mut self, bytes: u64) -> Result<(), BrokenOff> {
        self.now.bytes = self.now.bytes.saturating_add(bytes);
        match (self.tell)(&self.now) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BrokenOff),
        }
    }
}
