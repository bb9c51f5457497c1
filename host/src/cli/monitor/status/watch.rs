//! `switchyard status --watch`: prints readings until ctrl-c.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io::Write;
use std::time::{Duration, Instant};

use super::query::{request, services};
use super::reading::{self, EndedCandidate};
use crate::cli::arguments::Status;
use crate::cli::client::documents::{Candidate, Service};
use crate::cli::client::http;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::watch::{Screen, interrupted};
use crate::cli::releases::trial;
use crate::clock;

pub(super) fn run(target: &Target, command: &Status, period: Duration) -> Result<(), Failure> {
    let screen = Screen::stdout(period, command.host.json);
    let mut watch = Watch { target, command, screen, before: None, ended: Vec::new() };
    http::runtime()?.block_on(watch.until(&mut std::io::stdout().lock(), interrupted()))
}

struct Watch<'a> {
    target: &'a Target,
    command: &'a Status,
    screen: Screen,
    /// The previous reading and its time.
    before: Option<(Vec<Service>, Instant)>,
    /// The candidates that were there when the watch began and are not any more.
    ended: Vec<EndedCandidate>,
}

impl Watch<'_> {
    /// Shows readings until `stop` resolves or the output is closed.
    async fn until(&mut self, out: &mut dyn Write, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        self.screen.show(out, stop, async || self.reading().await).await
    }

    /// The next text to show. An unreachable host may come back, for example after a restart.
    async fn reading(&mut self) -> Result<String, Failure> {
        let answered = request(self.command).exchange(self.target).await;
        let answer = match answered.and_then(|answer| answer.accepted(self.command.host.json)) {
            Ok(answer) => answer,
            Err(failure) if failure.kind == Kind::Unreachable && self.before.is_some() => {
                return Ok(self.screen.block(&failure.to_string()));
            }
            Err(failure) => return Err(failure),
        };
        let (now, taken) = (services(self.command, &answer)?, clock::now());
        self.note_ended(&now).await?;
        let before = self.before.as_ref().map(|(services, at)| (services.as_slice(), taken.duration_since(*at)));
        let shown = match self.command.host.json {
            true => format!("{}\n", answer.text().trim_end()),
            false => self.screen.block(&reading::text(&now, before, &self.ended)),
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
}
