//! One reading of a watch: each release with its share, and its figures since the previous reading.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::shadow;
use crate::cli::client::documents::{Candidate, Latency, Phase, Release, Service};
use crate::cli::output::format::{NOTHING, micros, percent, rate, share, short};
use crate::cli::output::{print, summary};

const HEADING: [&str; 10] =
    ["SERVICE", "RELEASE", "STATE", "SHARE", "CALLS/S", "CALLS", "ERRORS", "TRAPS", "P50", "P99"];

/// The services as they are `now`. Rates count from the reading `before`, taken that long ago.
pub(super) fn text(now: &[Service], before: Option<(&[Service], Duration)>) -> String {
    let mut rows = vec![HEADING.map(str::to_owned).to_vec()];
    let mut reports = Vec::new();
    for service in now {
        let earlier = before.and_then(|(services, elapsed)| {
            let same = services.iter().find(|earlier| earlier.name == service.name)?;
            Some((same, elapsed))
        });
        rows.extend(releases(service, earlier));
        reports.extend(service.candidate.iter().flat_map(|candidate| report(&service.name, candidate)));
    }
    let table = print::table(&rows, |column| column > 2);
    std::iter::once(table).chain(reports).collect::<Vec<_>>().join("\n")
}

fn releases(service: &Service, before: Option<(&Service, Duration)>) -> Vec<Vec<String>> {
    let canary = service.candidate.as_ref().filter(|candidate| candidate.phase == Phase::Canary);
    let live_share = 1.0 - canary.map_or(0.0, |candidate| candidate.share);
    let row = |release: &Release, state: &str, share_now: String| {
        let figures = &release.figures;
        vec![
            service.name.clone(),
            short(&release.digest),
            state.to_owned(),
            share_now,
            since(release, before),
            figures.calls.to_string(),
            share(figures.errors, figures.calls),
            share(figures.traps, figures.calls),
            latency(figures.latency_micros.and_then(|latency: Latency| latency.p50)),
            latency(figures.latency_micros.and_then(|latency: Latency| latency.p99)),
        ]
    };
    let mut rows = Vec::new();
    if let Some(live) = &service.live {
        let state = if live.circuit_open { "circuit open" } else { "live" };
        rows.push(row(live, state, percent(live_share)));
    }
    if let Some(candidate) = &service.candidate {
        let (state, share_now) = match candidate.phase {
            Phase::Shadow => ("shadow", "0%".to_owned()),
            Phase::Canary => ("candidate", percent(candidate.share)),
        };
        rows.push(row(&candidate.release, state, share_now));
    }
    rows
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
