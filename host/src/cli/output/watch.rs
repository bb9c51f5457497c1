//! Readings that are shown again and again until ctrl-c. A terminal shows only the last one, a pipe gets all.

use std::future::Future;
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::pin::pin;
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

use super::failure::{Failure, Kind};
use super::print;
use crate::clock;

/// Moves to the top left and clears the screen.
pub(in crate::cli) const REDRAW: &str = "\x1b[H\x1b[J";

/// How often readings are shown, and how.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Screen {
    pub(in crate::cli) period: Duration,
    /// Each reading replaces the one before it.
    pub(in crate::cli) redraw: bool,
}

impl Screen {
    /// The standard output, which is a terminal or not.
    pub(in crate::cli) fn stdout(period: Duration, json: bool) -> Self {
        Self { period, redraw: std::io::stdout().is_terminal() && !json }
    }

    /// A reading with its time.
    pub(in crate::cli) fn block(self, text: &str) -> String {
        let text = print::printable(text);
        match self.redraw {
            true => format!("{REDRAW}{} UTC, every {} s, ctrl-c to stop\n{text}\n", time(), self.period.as_secs()),
            false => format!("{} UTC\n{text}\n\n", time()),
        }
    }

    /// Shows readings until `stop` resolves or the output is closed.
    pub(in crate::cli) async fn show(
        self,
        out: &mut dyn Write,
        stop: impl Future<Output = ()>,
        mut reading: impl AsyncFnMut() -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        loop {
            let shown = tokio::select! {
                shown = reading() => shown?,
                () = &mut stop => return Ok(()),
            };
            match print::write(out, &shown) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(Failure::new(Kind::Refused, error)),
            }
            tokio::select! {
                () = tokio::time::sleep(self.period) => {}
                () = &mut stop => return Ok(()),
            }
        }
    }
}

/// Resolves at ctrl-c.
pub(in crate::cli) async fn interrupted() {
    // If no handler could be installed, ctrl-c ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// The time of day, in UTC.
fn time() -> String {
    let seconds = i64::try_from(clock::unix_micros() / 1_000_000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}
