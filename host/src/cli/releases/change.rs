//! `switchyard promote`, `pause`, `resume`, `weight`, `abort`, `rollback` and `settle`: changes between the existing
//! releases of a service.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use hyper::StatusCode;

use super::handover;
use crate::cli::arguments::{Change, Promote, Rollback, Weight};
use crate::cli::client::documents::Service;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::short;
use crate::cli::output::summary;
use crate::names::Digest;

pub(in crate::cli) fn promote(target: &Target, command: &Promote) -> Outcome {
    render(change("promote", &command.change).after_intents(command.wait.after_intents), target, &command.change)
}

pub(in crate::cli) fn pause(target: &Target, command: &Change) -> Outcome {
    render(change("pause", command), target, command)
}

pub(in crate::cli) fn resume(target: &Target, command: &Change) -> Outcome {
    render(change("resume", command), target, command)
}

pub(in crate::cli) fn weight(target: &Target, command: &Weight) -> Outcome {
    let request = Request::post(&["services", &command.service, "weight"]).query("weight", [command.weight]);
    let request = request.query("reason", command.reason.iter());
    request.send(target)?.render(command.host.json, summary::text)
}

pub(in crate::cli) fn abort(target: &Target, command: &Change) -> Outcome {
    render(change("abort", command), target, command)
}

/// Ends a handover for good.
pub(in crate::cli) fn settle(target: &Target, command: &Change) -> Outcome {
    render(change("settle", command), target, command)
}

pub(in crate::cli) fn rollback(target: &Target, command: &Rollback) -> Outcome {
    let to = match &command.to {
        Some(to) => Some(digest(target, &command.change.service, to)?),
        None => None,
    };
    let request = || {
        let request = change("rollback", &command.change).query("to", to.iter()).flag("force", command.force);
        request.after_intents(command.wait.after_intents)
    };
    let answer = request().send(target)?;
    let has_waited =
        answer.status == StatusCode::CONFLICT && handover::wait_for_way_back(target, &command.change.service)?;
    let answer = if has_waited { request().send(target)? } else { answer };
    answer.render(command.change.host.json, summary::text)
}

fn change(what: &str, command: &Change) -> Request {
    Request::post(&["services", &command.service, what]).query("reason", command.reason.iter())
}

fn render(request: Request, target: &Target, command: &Change) -> Outcome {
    request.send(target)?.render(command.host.json, summary::text)
}

/// The full digest for `text`: a whole digest, or a prefix that is unique among the kept releases and the earlier
/// implementation of a handover.
fn digest(target: &Target, service: &str, text: &str) -> Result<String, Failure> {
    if Digest::parse(text).is_ok() {
        return Ok(text.into());
    }
    let service: Service = Request::get(&["services", service]).send(target)?.accepted(false)?.read()?;
    let mirrored = service.mirror.iter().filter(|mirror| mirror.was_live).map(|mirror| &mirror.release);
    let kept: BTreeSet<_> = service.kept.iter().chain(mirrored).map(|release| release.digest.as_str()).collect();
    let begin = text.strip_prefix("sha256:").unwrap_or(text);
    let hex = |digest: &str| digest.strip_prefix("sha256:").is_some_and(|hex| hex.starts_with(begin));
    let found: Vec<_> = kept.iter().copied().filter(|digest| hex(digest)).collect();
    match found.as_slice() {
        [digest] if !begin.is_empty() => Ok((*digest).to_owned()),
        [] => Err(Failure::text(Kind::Refused, format!("no kept release of {} begins with {text}", service.name))
            .next(format!("Kept are: {}.", names(kept)))),
        several => {
            let detail = format!("several kept releases of {} begin with {text}", service.name);
            Err(Failure::text(Kind::Refused, detail).next(format!("Say which: {}.", names(several.iter().copied()))))
        }
    }
}

fn names<'a>(digests: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = digests.into_iter().map(short).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
