//! The state of a service: its live release, its candidate, and how to go back.

#[cfg(test)]
mod tests;

use super::format::{percent, short, utc};
use crate::cli::client::documents::{Candidate, Phase, Release, Service};

/// The live release, the previous ones, the candidate, and the commands for the next step.
pub(in crate::cli) fn text(service: &Service) -> String {
    let name = &service.name;
    let mut lines = vec![match &service.live {
        Some(live) => format!("{name} runs {}", named(live)),
        None => format!("{name} has no live release"),
    }];
    match (&service.candidate, service.kept.first()) {
        (Some(candidate), _) => {
            lines.push(format!("  candidate:     {}", named(&candidate.release)));
            lines.push(format!("  it gets:       {}", part(candidate)));
            lines.push(format!("  watch it:      switchyard status {name} --watch"));
            lines.push(format!("  decide:        switchyard promote {name}, or switchyard abort {name}"));
        }
        (None, Some(before)) => {
            lines.push(format!("  before it:     {}", named(before)));
            lines.push(format!("  the way back:  switchyard rollback {name}"));
        }
        (None, None) => {}
    }
    lines.join("\n")
}

/// The digest and number of a release.
pub(in crate::cli) fn named(release: &Release) -> String {
    match release.number {
        Some(number) => format!("{} (release {number})", release.digest),
        None => release.digest.clone(),
    }
}

/// The calls that a candidate gets, and when its share grows.
pub(in crate::cli) fn part(candidate: &Candidate) -> String {
    let mut text = match candidate.phase {
        Phase::Shadow => {
            let share = candidate.shadow.as_ref().map_or(candidate.share, |shadow| shadow.share);
            format!("a copy of {} of the calls", percent(share))
        }
        Phase::Canary => format!("{} of the calls", percent(candidate.share)),
    };
    if let Some(header) = &candidate.header {
        text.push_str(&format!(", those with {}: {}", header.name, header.value));
    }
    if !candidate.steps.is_empty() {
        text.push_str(&format!(", step {} of {}", candidate.step.saturating_add(1), candidate.steps.len()));
    }
    if candidate.paused {
        text.push_str(", paused");
    }
    if let Some(at) = &candidate.next_step_at {
        text.push_str(&format!(", the next at {} UTC", utc(at)));
    }
    text
}

/// A candidate in a few words.
pub(in crate::cli) fn brief(candidate: &Candidate) -> String {
    let digest = short(&candidate.release.digest);
    match candidate.phase {
        Phase::Shadow => format!("{digest} shadow"),
        Phase::Canary => format!("{digest} {}", percent(candidate.share)),
    }
}
