//! `switchyard cluster step-down`: the leader leads no more, and another host leads.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::query::{CLUSTER, cluster, in_cluster};
use crate::cli::client::documents::Cluster;
use crate::cli::client::http;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::millis;
use crate::cli::output::print;
use crate::clock;

/// How long another host may take to lead, besides the lease: it replays the last commits and starts the services.
const TAKE_OVER_MAX: Duration = Duration::from_secs(20);

/// How often it asks who leads.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// The next step when nobody else leads.
const NEXT: &str = "`switchyard cluster status` shows which hosts there are, and why they are not ready.";

pub(super) fn run(target: &Target, json: bool) -> Outcome {
    http::runtime()?.block_on(step_down(target, json, TAKE_OVER_MAX))
}

async fn step_down(target: &Target, json: bool, take_over_max: Duration) -> Outcome {
    let began = clock::now();
    let answer = in_cluster(Request::post(&[CLUSTER, "step-down"]).exchange(target).await?, json)?;
    let before: Cluster = answer.read()?;
    let led = before.leader.clone().unwrap_or_default();
    print::error(&format!("{led} led in epoch {}; waiting until another host leads", before.epoch));
    let wait_max = take_over_max + Duration::from_millis(before.lease_ms);
    loop {
        let last = match cluster(target, json).await {
            Ok(answer) => {
                let now: Cluster = answer.read()?;
                let result = json.then(|| answer.text());
                if now.epoch > before.epoch
                    && let Some(outcome) = outcome(&led, began, &now, result)
                {
                    return outcome;
                }
                None
            }
            // The host that is asked may be between two roles.
            Err(failure) => Some(failure),
        };
        if clock::elapsed(began) >= wait_max {
            return Err(nobody(&led, began, last.as_ref()));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// The outcome once a later epoch has begun; `None` while its leader is not known.
fn outcome(led: &str, began: Instant, now: &Cluster, json: Option<String>) -> Option<Outcome> {
    let leader = now.leader.as_deref()?;
    let result = json.unwrap_or_else(|| {
        format!("{leader} leads now, in epoch {}; {led} led before. It took {}.", now.epoch, took(began))
    });
    if leader != led {
        return Some(Ok(result));
    }
    let detail = format!("{led} leads again, in epoch {}: no other host took over", now.epoch);
    Some(Err(Failure::text(Kind::Refused, detail).next(NEXT)))
}

fn nobody(led: &str, began: Instant, last: Option<&Failure>) -> Failure {
    let last = last.and_then(|last| last.lines().into_iter().next());
    let last = last.map(|line| format!("; the last answer: {line}")).unwrap_or_default();
    let detail = format!("{led} was asked to lead no more, and no other host leads after {}{last}", took(began));
    Failure::text(Kind::Refused, detail).next(NEXT)
}

fn took(began: Instant) -> String {
    millis(u64::try_from(clock::elapsed(began).as_millis()).unwrap_or(u64::MAX))
}
