//! One reading of a watch: each release with its share, and its figures since the previous reading.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::shadow;
use crate::cli::client::documents::{Candidate, Latency, Phase, Release, Service};
use crate::cli::output::format::{NOTHING, micros, percent, rate, share, short};
use crate::cli::output::{print, summary};
use crate::cli::releases::trial::TrialEnd;

const HEADING: [&str; 11] =
    ["SERVICE", "RELEASE", "STATE", "SHARE", "CALLS/S", "CALLS", "REFUSED", "ERRORS", "TRAPS", "P50", "P99"];

/// A candidate whose trial ended during the watch.
#[derive(Debug)]
pub(super) struct EndedCandidate {
    pub(super) service: String,
    /// With its last figures.
    pub(super) release: Release,
    pub(super) end: Option<TrialEnd>,
}

/// The services as they are `now`, with the `ended` candidates. Rates count from the reading `before`, taken that long ago.
pub(super) fn text(now: &[Service], before: Option<(&[Service], Duration)>, ended: &[EndedCandidate]) -> String {
    let mut rows = vec![HEADING.map(str::to_owned).to_vec()];
    let mut reports = Vec::new();
    for service in now {
        let earlier = before.and_then(|(services, elapsed)| {
            let same = services.iter().find(|earlier| earlier.name == service.name)?;
            Some((same, elapsed))
        });
        rows.extend(releases(service, earlier));
        for ended in ended.iter().filter(|ended| ended.service == service.name) {
            rows.push(gone(ended));
            reports.push(format!("{}: {} was {}", service.name, short(&ended.release.digest), told(ended)));
        }
        reports.extend(service.candidate.iter().flat_map(|candidate| report(&service.name, candidate)));
    }
    let table = print::table(&rows, |column| column > 2);
    std::iter::once(table).chain(reports).collect::<Vec<_>>().join("\n")
}

fn releases(service: &Service, before: Option<(&Service, Duration)>) -> Vec<Vec<String>> {
    let canary = service.candidate.as_ref().filter(|candidate| candidate.phase == Phase::Canary);
    let live_share = 1.0 - canary.map_or(0.0, |candidate| candidate.share);
    let row = |release: &Release, state: &str, share_now: String| {
        row(&service.name, release, state, share_now, since(release, before))
    };
    let mut rows = Vec::new();
    if let Some(live) = &service.live {
        let state = if live.circuit_open { "circuit open" } else { "live" };
        rows.push(row(live, state, percent(live_share)));
    }
    if let Some(candidate) = &service.candidate {
        let (state, share_now) = match candidate.phase {
            Phase::Shadow => ("shadow", "0%".to_owned()),
            Phase::Canary if candidate.paused => ("paused", percent(candidate.share)),
            Phase::Canary => ("candidate", percent(candidate.share)),
        };
        rows.push(row(&candidate.release, state, share_now));
    }
    rows
}

fn gone(ended: &EndedCandidate) -> Vec<String> {
    let state = ended.end.as_ref().map_or("ended", TrialEnd::brief);
    row(&ended.service, &ended.release, state, "0%".into(), NOTHING.into())
}

fn told(ended: &EndedCandidate) -> String {
    ended.end.as_ref().map_or_else(|| "ended".into(), TrialEnd::text)
}

fn row(service: &str, release: &Release, state: &str, share_now: String, rate_now: String) -> Vec<String> {
    let figures = &release.figures;
    vec![
        service.to_owned(),
        short(&release.digest),
        state.to_owned(),
        share_now,
        rate_now,
        figures.calls.to_string(),
        share(figures.refused, figures.calls),
        share(figures.errors, figures.calls),
        share(figures.traps, figures.calls),
        latency(figures.latency_micros.and_then(|latency: Latency| latency.p50)),
        latency(figures.latency_micros.and_then(|latency: Latency| latency.p99)),
    ]
}

/// Calls per second of `release` since the previous reading, in which it may have had another role.
fn since(release: &Release, before: Option<(&Service, Duration)>) -> String {
    let Some((service, elapsed)) = before else { return NOTHING.into() };
    let candidate = service.candidate.as_ref().map(|candidate| &candidate.release);
    let mut all = service.live.iter().chain(candidate).chain(&service.kept);
    let same = all.find(|earlier| earlier.number == release.number && earlier.digest == release.digest);
    let calls = same.map_or(0, |earlier| earlier.figures.calls);
    // A host that restarted counts from zero.
    rate(release.figures.calls.checked_sub(calls).unwrap_or(release.figures.calls), elapsed)
}

fn latency(latency: Option<u64>) -> String {
    latency.map_or(NOTHING.into(), micros)
}

fn report(service: &str, candidate: &Candidate) -> Vec<String> {
    let digest = short(&candidate.release.digest);
    let mut lines = vec![format!("{service}: {digest} gets {}", summary::part(candidate))];
    let judged = candidate.judged.iter().filter(|judged| !judged.text.is_empty());
    lines.extend(judged.map(|judged| format!("  {}", judged.text)));
    lines.extend(candidate.shadow.iter().flat_map(shadow::lines).map(|line| format!("  {line}")));
    lines
}
