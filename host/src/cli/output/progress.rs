//! Shows the progress of an upload and of the host's work on it: only on a terminal's standard error.

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner turns without other progress.
const TICK: Duration = Duration::from_millis(100);

/// The progress of one upload. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    /// The work of the host after the upload.
    then: String,
}

impl Progress {
    /// Shows nothing, but still counts.
    pub(in crate::cli) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), then: String::new() }
    }

    /// Shows how much of the `bytes` of `name` is sent, and then that the host does `then`.
    pub(in crate::cli) fn upload(name: &str, bytes: usize, then: impl Into<String>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = ProgressBar::new(u64::try_from(bytes).unwrap_or(u64::MAX)).with_style(sending());
        bar.set_message(name.to_owned());
        Self { bar, then: then.into() }
    }

    /// Shows the progress of work whose number of bytes is given with each step.
    pub(in crate::cli) fn work() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        Self { bar: ProgressBar::new(0).with_style(sending()), then: String::new() }
    }

    /// Shows that something is waited for, without a number of bytes.
    pub(in crate::cli) fn waiting() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = ProgressBar::new_spinner().with_style(working());
        bar.enable_steady_tick(TICK);
        Self { bar, then: String::new() }
    }

    /// Shows `what` beside the spinner.
    pub(in crate::cli) fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Reports the progress of the work, now at `what`.
    pub(in crate::cli) fn at(&self, what: &str, bytes: u64, bytes_total: u64) {
        self.bar.set_length(bytes_total.max(bytes));
        self.bar.set_position(bytes);
        if self.bar.message() != what {
            self.bar.set_message(what.to_owned());
        }
    }

    /// Whether nobody sees it.
    pub(in crate::cli) fn is_hidden(&self) -> bool {
        self.bar.is_hidden()
    }

    /// Counts `bytes` as sent.
    pub(in crate::cli) fn sent(&self, bytes: usize) {
        self.bar.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.bar.length().is_some_and(|length| self.bar.position() >= length) {
            self.bar.set_style(working());
            self.bar.set_message(self.then.clone());
            self.bar.enable_steady_tick(TICK);
        }
    }

    /// Removes the progress bar from the terminal.
    pub(in crate::cli) fn end(&self) {
        self.bar.finish_and_clear();
    }

    #[cfg(test)]
    pub(in crate::cli) fn position(&self) -> u64 {
        self.bar.position()
    }
}

fn sending() -> ProgressStyle {
    let style = ProgressStyle::with_template("{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}");
    style.expect("a test reads the template")
}

fn working() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("a test reads the template")
}
