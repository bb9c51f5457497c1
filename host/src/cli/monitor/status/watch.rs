//! `switchyard status --watch`: prints readings until ctrl-c. A terminal shows only the last one, a pipe gets all.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::{ErrorKind, IsTerminal as _, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::macros::format_description;

use super::query::{request, services};
use super::reading::{self, EndedCandidate};
use crate::cli::arguments::Status;
use crate::cli::client::documents::{Candidate, Service};
use crate::cli::client::http;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::print;
use crate::cli::releases::trial;
use crate::clock;

/// Moves to the top left and clears the screen.
const REDRAW: &str = "\x1b[H\x1b[J";

pub(super) fn run(target: &Target, command: &Status, period: Duration) -> Result<(), Failure> {
    let stdout = std::io::stdout();
    let redraw = stdout.is_terminal() && !command.host.json;
    let mut watch = Watch { target, command, period, redraw, before: None, ended: Vec::new(), out: &mut stdout.lock() };
    let interrupted = async {
        // If no handler could be installed, ctrl-c ends the process by itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    http::runtime()?.block_on(watch.until(interrupted))
}

struct Watch<'a> {
    target: &'a Target,
    command: &'a Status,
    period: Duration,
    redraw: bool,
    /// The previous reading and its time.
    before: Option<(Vec<Service>, Instant)>,
    /// The candidates that were there when the watch began and are not any more.
    ended: Vec<EndedCandidate>,
    out: &'a mut dyn Write,
}

impl Watch<'_> {
    /// Shows readings until `stop` resolves or the output is closed.
    async fn until(&mut self, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let mut stop = pin!(stop);
        loop {
            let shown = tokio::select! {
                shown = self.reading() => shown?,
                () = &mut stop => return Ok(()),
            };
            match print::write(self.out, &shown) {
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

    /// The next text to show. An unreachable host may come back, for example after a restart.
    async fn reading(&mut self) -> Result<String, Failure> {
        let answered = request(self.command).exchange(self.target).await;
        let answer = match answered.and_then(|answer| answer.accepted(self.command.host.json)) {
            Ok(answer) => answer,
            Err(failure) if failure.kind == Kind::Unreachable && self.before.is_some() => {
                return Ok(self.block(&failure.to_string()));
            }
            Err(failure) => return Err(failure),
        };
        let (now, taken) = (services(self.command, &answer)?, clock::now());
        self.note_ended(&now).await?;
        let before = self.before.as_ref().map(|(services, at)| (services.as_slice(), taken.duration_since(*at)));
        let shown = match self.command.host.json {
            true => format!("{}\n", answer.text().trim_end()),
            false => self.block(&reading::text(&now, before, &self.ended)),
        };
        self.before = Some((now, taken));
        Ok(shown)
    }

    /// Remembers the candidates of the previous reading that are gone, and how their trials ended.
    async fn note_ended(&mut self, now: &[Service]) -> Result<(), Failure> {
        let Some((before, _)) = &self.before else { return Ok(()) };
        for service in before {
            let is_there = |candidate: &Candidate| {
                let same = now.iter().filter(|now| now.name == service.name);
                let mut candidates = same.filter_map(|now| now.candidate.as_ref());
                candidates.any(|now| now.release.number == candidate.release.number)
            };
            let Some(candidate) = service.candidate.as_ref().filter(|candidate| !is_there(candidate)) else { continue };
            let end = trial::end_of(self.target, &service.name, &candidate.release.digest).await?;
            self.ended.retain(|ended| ended.service != service.name);
            self.ended.push(EndedCandidate { service: service.name.clone(), release: candidate.release.clone(), end });
        }
        Ok(())
    }

    fn block(&self, text: &str) -> String {
        let text = print::printable(text);
        match self.redraw {
            true => format!("{REDRAW}{} UTC, every {} s, ctrl-c to stop\n{text}\n", time(), self.period.as_secs()),
            false => format!("{} UTC\n{text}\n\n", time()),
        }
    }
}

/// The time of day, in UTC.
fn time() -> String {
    let seconds = i64::try_from(clock::unix_micros() / 1_000_000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}
