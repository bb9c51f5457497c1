//! The queue between the parts of the host that log and the thread that writes the log.
//!
//! Invariant: logging never waits for the writer and never fails. A line that does not fit into the queue, or cannot be
//! written, is dropped and counted.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::mem::take;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;

use super::log_limit::LogLimit;
use crate::limits::LOG_QUEUE_BYTES_MAX;

/// The lines that are not yet written.
#[derive(Debug, Default)]
pub(crate) struct LogQueue {
    state: Mutex<State>,
    changed: Condvar,
    dropped_log: LogLimit,
}

#[derive(Debug, Default)]
struct State {
    text: Vec<u8>,
    lines: u64,
    is_writing: bool,
    /// Lines dropped since the last report in the log.
    dropped: u64,
}

impl LogQueue {
    /// Queues `line`, or drops it if the queue is full.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.text.len() + line.len() > LOG_QUEUE_BYTES_MAX {
            return state.drop_lines(1);
        }
        state.text.extend_from_slice(line);
        state.lines += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Writes the lines of the queue to `out` until the process ends.
    pub(crate) fn write_to(&self, mut out: impl Write) {
        loop {
            self.write_waiting(&mut out);
        }
    }

    /// Waits for lines and writes them.
    fn write_waiting(&self, out: &mut impl Write) {
        let waited = self.changed.wait_while(self.state(), |state| state.text.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        let (text, lines) = (take(&mut state.text), take(&mut state.lines));
        state.is_writing = true;
        drop(state);
        let written = out.write_all(&text).and_then(|()| out.flush());
        let mut state = self.state();
        state.is_writing = false;
        let dropped = match written {
            // A slow reader gets this line seldom, and then with the sum.
            Ok(()) if state.dropped > 0 && self.dropped_log.allows() => take(&mut state.dropped),
            Ok(()) => 0,
            Err(_nobody_reads) => {
                state.drop_lines(lines);
                0
            }
        };
        drop(state);
        self.changed.notify_all();
        if dropped > 0 {
            tracing::warn!(lines = dropped, "log lines were dropped: the reader of the log was slow or gone");
        }
    }

    /// Waits until every line is written, but no longer than `wait`.
    pub(crate) fn flush(&self, wait: Duration) {
        let is_busy = |state: &mut State| state.is_writing || !state.text.is_empty();
        let _either_way = self.changed.wait_timeout_while(self.state(), wait, is_busy);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn drop_lines(&mut self, lines: u64) {
        self.dropped += lines;
        counter!("switchyard_log_lines_dropped_total").increment(lines);
    }
}

/// Writes to the queue: every write is one line.
pub(super) struct QueueWriter(pub(super) Arc<LogQueue>);

impl Write for QueueWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
