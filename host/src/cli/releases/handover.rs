//! `switchyard deploy --handover` after the handover has begun: shows the progress until the service runs the new
//! implementation, or the host has given the handover up.

use std::time::Duration;

use serde::Deserialize;

use crate::cli::client::documents::{Mirror, Service, Shadow};
use crate::cli::client::http::runtime;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::bytes;
use crate::cli::output::progress::Progress;
use crate::cli::output::{print, summary};
use crate::clock;

/// How often it asks the host.
const ASK_EVERY: Duration = Duration::from_millis(300);

/// How long a rollback waits for the way back.
const WAY_BACK_WAIT_MAX: Duration = Duration::from_secs(600);

/// A page of the history.
#[derive(Debug, Deserialize)]
struct History {
    items: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    what: String,
    reason: Option<String>,
}

/// How long a deploy waits for the end of a handover.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct HandoverWait {
    /// `None`: without a limit.
    pub(in crate::cli) longest: Option<Duration>,
    /// The kind of the failure if the handover takes longer.
    pub(in crate::cli) late: Kind,
}

/// Waits until the service runs the component `digest`.
pub(in crate::cli) fn follow(target: &Target, service: &str, digest: &str, wait: HandoverWait, json: bool) -> Outcome {
    runtime()?.block_on(until_live(target, service, digest, wait, json))
}

async fn until_live(target: &Target, service: &str, digest: &str, wait: HandoverWait, json: bool) -> Outcome {
    let began = clock::now();
    let progress = Progress::work();
    loop {
        let answer = Request::get(&["services", service]).exchange(target).await?.accepted(json)?;
        let now: Service = answer.read()?;
        let is_live = now.live.as_ref().is_some_and(|live| live.digest == digest);
        match now.mirror.as_ref().filter(|mirror| mirror.was_live || mirror.release.digest == digest) {
            _ if is_live => {
                progress.end();
                return Ok(if json { answer.text() } else { summary::text(&now) });
            }
            Some(mirror) => progress.at(&line(mirror), mirror.bytes, now.store_bytes.saturating_sub(mirror.bytes)),
            None => {
                progress.end();
                return Err(given_up(target, service).await?);
            }
        }
        if let Some(longest) = wait.longest.filter(|longest| clock::elapsed(began) >= *longest) {
            progress.end();
            let waited = humantime::format_duration(Duration::from_secs(longest.as_secs()));
            return Err(Failure::text(wait.late, format!("the handover of {service} is not complete after {waited}"))
                .next(format!(
                    "It continues: `switchyard status {service} --watch` shows it, `switchyard settle {service}` gives it up."
                )));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Waits until the earlier implementation of a service is up to date, if it has one. Returns whether it had to wait.
pub(in crate::cli) fn wait_for_way_back(target: &Target, service: &str) -> Result<bool, Failure> {
    runtime()?.block_on(until_open(target, service))
}

async fn until_open(target: &Target, service: &str) -> Result<bool, Failure> {
    let (began, mut has_waited) = (clock::now(), false);
    let progress = Progress::work();
    while clock::elapsed(began) < WAY_BACK_WAIT_MAX {
        // Without an answer, the refusal of the rollback says more.
        let Ok(answer) = Request::get(&["services", service]).exchange(target).await else { break };
        let Ok(now) = answer.read::<Service>() else { break };
        let Some(mirror) = now.mirror.as_ref().filter(|mirror| mirror.was_live) else { break };
        if mirror.status.as_ref().is_some_and(|status| status.phase == "following" || status.error.is_some()) {
            break;
        }
        let waits = format!("the rollback waits: {}", line(mirror));
        if !has_waited {
            print::error(&waits);
        }
        has_waited = true;
        progress.at(&waits, mirror.bytes, now.store_bytes.saturating_sub(mirror.bytes));
        tokio::time::sleep(ASK_EVERY).await;
    }
    progress.end();
    Ok(has_waited)
}

/// What a mirror is doing, in one line.
pub(in crate::cli) fn line(mirror: &Mirror) -> String {
    let Some(status) = &mirror.status else { return "starts".into() };
    let of = status.entities_expected.map_or_else(String::new, |expected| format!(" of about {expected}"));
    let mut line = format!("{}, {}{of} entities, {}", status.phase, status.entities, bytes(mirror.bytes));
    if status.commits_behind > 0 {
        line.push_str(&format!(", {} commits behind", status.commits_behind));
    }
    if status.attempts > 0 {
        line.push_str(&format!(", {} attempts at the swap", status.attempts));
    }
    if let Some(Shadow { compared, different, dropped, behind, .. }) = &mirror.shadow {
        line.push_str(&format!(
            ", in shadow: {compared} calls compared, {different} different, {dropped} dropped, {behind} while behind"
        ));
    }
    if let Some(error) = &status.error {
        line.push_str(&format!(", last error: {error}"));
    }
    line
}

async fn given_up(target: &Target, service: &str) -> Result<Failure, Failure> {
    let request = Request::get(&["history"]).query("service", Some(service)).query("limit", Some(5));
    let history: History = request.exchange(target).await?.accepted(false)?.read()?;
    let ended = history.items.into_iter().find(|line| line.what == "mirrorEnded");
    let why = ended.and_then(|line| line.reason).unwrap_or_else(|| "no reason is in the history".into());
    Ok(Failure::text(Kind::Refused, format!("the handover of {service} was given up: {why}"))
        .next(format!("{service} keeps its release and its data.")))
}
