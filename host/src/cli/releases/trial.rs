//! The end of a candidate's trial: how it ended, by whom and why, from the history; and `switchyard deploy --wait`.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::client::documents::{Candidate, HistoryEntry, Items, Service};
use crate::cli::client::http::runtime;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::short;
use crate::cli::output::progress::Progress;
use crate::cli::output::{print, summary};
use crate::clock;

/// How often it asks the host.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How long a host may be away meanwhile, for example for a restart.
const AWAY_MAX: Duration = Duration::from_secs(60);

/// Entries of the history in which the end is looked for.
const ENTRIES: u32 = 100;

/// The end of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct TrialEnd {
    /// `promote`, `abort`, `takenOut` or `replaced`.
    pub(in crate::cli) what: String,
    pub(in crate::cli) who: String,
    pub(in crate::cli) reason: Option<String>,
}

impl TrialEnd {
    /// How it ended, in a few words.
    pub(in crate::cli) fn brief(&self) -> &'static str {
        match self.what.as_str() {
            "promote" => "promoted",
            "abort" => "aborted",
            "takenOut" => "taken out",
            _ => "replaced",
        }
    }

    /// How it ended, by whom and why.
    pub(in crate::cli) fn text(&self) -> String {
        let reason = self.reason.iter().map(|reason| format!(": {reason}")).collect::<String>();
        format!("{} by {}{reason}", self.brief(), self.who)
    }
}

/// How the last trial of the component `digest` ended, if the history has it.
pub(in crate::cli) async fn end_of(target: &Target, service: &str, digest: &str) -> Result<Option<TrialEnd>, Failure> {
    let request = Request::get(&["history"]).query("service", [service]).query("limit", [ENTRIES]);
    let history: Items<HistoryEntry> = request.exchange(target).await?.accepted(false)?.read()?;
    // The newest entry comes first. Entries before the begin of the trial are about another one.
    let of_it = |entry: &HistoryEntry| {
        let digests = [entry.from.as_deref(), entry.to.as_deref()];
        digests.contains(&Some(digest))
    };
    let trial = history.items.into_iter().filter(of_it).take_while(|entry| entry.what != "candidate");
    let is_end = |entry: &HistoryEntry| match entry.what.as_str() {
        "promote" => entry.to.as_deref() == Some(digest),
        "abort" | "takenOut" | "replaced" => entry.from.as_deref() == Some(digest),
        _ => false,
    };
    let end = trial.into_iter().find(is_end);
    Ok(end.map(|HistoryEntry { what, who, reason, .. }| TrialEnd { what, who, reason }))
}

/// The trial that a deploy waits for.
struct Waiting<'a> {
    target: &'a Target,
    service: &'a str,
    digest: &'a str,
    json: bool,
}

/// Waits at most `wait` until the trial of the component `digest` ends. A component that is live needs no trial.
pub(in crate::cli) fn follow(
    target: &Target,
    service: &str,
    digest: &str,
    wait: Option<Duration>,
    json: bool,
) -> Outcome {
    runtime()?.block_on(Waiting { target, service, digest, json }.until_ended(wait))
}

impl Waiting<'_> {
    async fn until_ended(&self, wait: Option<Duration>) -> Outcome {
        let (began, progress) = (clock::now(), Progress::waiting());
        let (mut shown, mut away_since) = (String::new(), None);
        loop {
            match self.service().await {
                Ok(service) => {
                    away_since = None;
                    let candidate =
                        service.candidate.as_ref().filter(|candidate| candidate.release.digest == self.digest);
                    let Some(candidate) = candidate else {
                        progress.end();
                        return self.ended(&service).await;
                    };
                    show(&progress, &mut shown, self.service, candidate);
                }
                Err(failure) if failure.kind == Kind::Unreachable && is_short(&mut away_since) => {}
                Err(failure) => {
                    progress.end();
                    return Err(failure);
                }
            }
            if wait.is_some_and(|wait| clock::elapsed(began) >= wait) {
                progress.end();
                let detail =
                    format!("the trial of {} of {} has not ended yet: {shown}", short(self.digest), self.service);
                let next = format!("It goes on: `switchyard status {} --watch` shows it.", self.service);
                return Err(Failure::text(Kind::TrialUndecided, detail).next(next));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn service(&self) -> Result<Service, Failure> {
        Request::get(&["services", self.service]).exchange(self.target).await?.accepted(self.json)?.read()
    }

    /// The result of a trial that is over, or of a deploy that needed none.
    async fn ended(&self, service: &Service) -> Outcome {
        let is_live = service.live.as_ref().is_some_and(|live| live.digest == self.digest);
        let end = end_of(self.target, self.service, self.digest).await?;
        let result = match (self.json, &end) {
            (true, end) => json(self, end.as_ref()).to_string(),
            (false, _) => summary::text(service),
        };
        let told = end.as_ref().map_or_else(|| "no reason is in the history".to_owned(), TrialEnd::text);
        let kind = match end.as_ref().map(|end| end.what.as_str()) {
            Some("promote") => return Ok(result),
            None if is_live => return Ok(result),
            Some("takenOut") => Kind::Refused,
            _ => Kind::TrialReplaced,
        };
        let detail = format!("{} of {} is not live: {told}", short(self.digest), self.service);
        Err(Failure::text(kind, detail).with_result(result))
    }
}

fn json(waiting: &Waiting<'_>, end: Option<&TrialEnd>) -> Value {
    serde_json::json!({
        "service": waiting.service,
        "digest": waiting.digest,
        "ended": end.map(|end| end.what.as_str()),
        "who": end.map(|end| end.who.as_str()),
        "reason": end.and_then(|end| end.reason.as_deref()),
    })
}

/// Shows the progress on a terminal; elsewhere, a line on standard error for each new step.
fn show(progress: &Progress, shown: &mut String, service: &str, candidate: &Candidate) {
    let part = summary::part(candidate);
    let judged = candidate.judged.as_ref().map(|judged| judged.text.clone()).filter(|text| !text.is_empty());
    if progress.is_hidden() && *shown != part {
        print::error(&format!("{service}: the candidate gets {part}"));
    }
    progress.say(&judged.map_or_else(|| part.clone(), |judged| format!("{part}; {judged}")));
    *shown = part;
}

/// Whether the host has been away for a short time only.
fn is_short(since: &mut Option<Instant>) -> bool {
    clock::elapsed(*since.get_or_insert_with(clock::now)) < AWAY_MAX
}
