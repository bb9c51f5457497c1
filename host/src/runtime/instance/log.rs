//! The output of a component: the lines of its standard output and error become the service's log.
//!
//! Invariant: a guest that prints is never blocked. Output above the service's bytes per second is dropped, and the log
//! reports this once a second.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use metrics::Counter;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::clock;
use crate::limits::{LOG_LINE_BYTES_MAX, LOG_TAIL_BYTES_MAX};
use crate::names::{RequestId, ServiceName};

/// How much one service may still print in this second, with all of its instances.
#[derive(Debug)]
pub(in crate::runtime) struct Budget {
    service: ServiceName,
    bytes_per_second: u64,
    dropped: Counter,
    second: Mutex<Second>,
}

#[derive(Debug)]
struct Second {
    began: Instant,
    bytes: u64,
    reported: bool,
}

impl Budget {
    pub(in crate::runtime) fn new(service: ServiceName, bytes_per_second: u64, dropped: Counter) -> Self {
        let second = Second { began: clock::now(), bytes: 0, reported: false };
        Self { service, bytes_per_second, dropped, second: Mutex::new(second) }
    }

    /// Whether `bytes` more may be logged now.
    fn take(&self, bytes: usize) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if clock::elapsed(second.began).as_secs() >= 1 {
            *second = Second { began: clock::now(), bytes: 0, reported: false };
        }
        second.bytes = second.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let allowed = second.bytes <= self.bytes_per_second;
        if !allowed {
            self.dropped.increment(u64::try_from(bytes).unwrap_or(u64::MAX));
            if !std::mem::replace(&mut second.reported, true) {
                let (service, limit) = (&self.service, self.bytes_per_second);
                tracing::warn!(%service, log_bytes_per_second = limit, "the service prints more than \
                    `log_bytes_per_second`: output is dropped");
            }
        }
        allowed
    }
}

/// The stream that a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Source {
    Stdout,
    Stderr,
}

/// The output of one instance, as far as it is still needed.
#[derive(Debug)]
pub(in crate::runtime) struct Printed {
    budget: Arc<Budget>,
    request: RequestId,
    /// Lines that are not complete yet.
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// The last bytes of both, for the report of a failure.
    tail: Vec<u8>,
}

impl Printed {
    pub(in crate::runtime) fn new(budget: Arc<Budget>, request: RequestId) -> Self {
        Self { budget, request, stdout: Vec::new(), stderr: Vec::new(), tail: Vec::new() }
    }

    pub(in crate::runtime) fn print(&mut self, source: Source, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(LOG_TAIL_BYTES_MAX);
        self.tail.drain(..surplus);
        if !self.budget.take(bytes.len()) {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = match source {
                Source::Stdout => &mut self.stdout,
                Source::Stderr => &mut self.stderr,
            };
            let ended = piece.strip_suffix(b"\n");
            line.extend_from_slice(ended.unwrap_or(piece));
            while line.len() > LOG_LINE_BYTES_MAX {
                let rest = line.split_off(LOG_LINE_BYTES_MAX);
                log(&self.budget.service, &self.request, source, &std::mem::replace(line, rest));
            }
            if ended.is_some() {
                log(&self.budget.service, &self.request, source, &std::mem::take(line));
            }
        }
    }

    /// Logs the incomplete lines, and returns the last part of the output.
    pub(in crate::runtime) fn finish(&mut self) -> String {
        for (source, line) in [(Source::Stdout, &mut self.stdout), (Source::Stderr, &mut self.stderr)] {
            if !line.is_empty() {
                log(&self.budget.service, &self.request, source, &std::mem::take(line));
            }
        }
        plain(&std::mem::take(&mut self.tail), true)
    }
}

fn log(service: &ServiceName, request: &RequestId, source: Source, line: &[u8]) {
    let (request, line) = (request.as_str(), plain(line, false));
    match source {
        Source::Stdout => tracing::info!(target: "switchyard::guest", %service, request, "{line}"),
        Source::Stderr => tracing::warn!(target: "switchyard::guest", %service, request, "{line}"),
    }
}

/// A guest's bytes as text that cannot forge a line of the log or move the cursor of a terminal.
pub(in crate::runtime) fn plain(bytes: &[u8], lines: bool) -> String {
    let harmless = |c: char| !c.is_control() || c == '\t' || (lines && c == '\n');
    String::from_utf8_lossy(bytes).chars().map(|c| if harmless(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Standard output or error of one instance.
#[derive(Debug)]
pub(in crate::runtime) struct Stream {
    pub(in crate::runtime) printed: Arc<Mutex<Printed>>,
    pub(in crate::runtime) source: Source,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stream {
    async fn ready(&mut self) {}
}

impl OutputStream for Stream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).print(self.source, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LOG_LINE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests;
