//! The services as a table, and one of them in full.

#[cfg(test)]
mod tests;

use super::shadow;
use crate::cli::client::documents::{
    Candidate, Latency, ManifestState, Mirror, Release, Service, ServiceFigures, Services,
};
use crate::cli::output::format::{NOTHING, bytes, micros, short, utc};
use crate::cli::output::{print, summary};
use crate::cli::releases::handover;

pub(super) fn all(services: &Services) -> String {
    let table = rows(&services.items);
    let ManifestState { path, unapplied, error } = &services.manifest_file;
    let note = match error {
        Some(error) => format!("the host cannot start with {path} again: {error}"),
        None if unapplied.is_empty() => return table,
        None => {
            let settings = unapplied.join(", ");
            format!("{path} has other settings than are applied: {settings}\n`switchyard apply` makes them take effect")
        }
    };
    format!("{table}\n{note}")
}

fn rows(services: &[Service]) -> String {
    let heading =
        ["SERVICE", "STATE", "RELEASE", "CANDIDATE", "CALLS", "REFUSED", "ERRORS", "P50", "P99", "RUNNING", "STORE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for service in services {
        let figures = &service.figures;
        rows.push(vec![
            service.name.clone(),
            state(service).into(),
            service.live.as_ref().map_or(NOTHING.into(), |live| short(&live.digest)),
            service.candidate.as_ref().map_or(NOTHING.into(), summary::brief),
            figures.calls.to_string(),
            figures.refused.to_string(),
            figures.errors.values().sum::<u64>().to_string(),
            latency(figures, |latency| latency.p50),
            latency(figures, |latency| latency.p99),
            figures.in_flight.to_string(),
            bytes(service.store_bytes),
        ]);
    }
    print::table(&rows, |column| column > 3)
}

pub(super) fn one(service: &Service) -> String {
    let mut rows = vec![
        row("service", service.name.clone()),
        row("contract", service.contract.clone()),
        row("state", state(service).into()),
    ];
    rows.extend(service.live.iter().flat_map(live));
    rows.extend(service.data_version.map(|version| row("data version", version.to_string())));
    rows.extend(figures(&service.figures));
    rows.push(row("store", bytes(service.store_bytes)));
    rows.push(row("kept of calls", bytes(service.platform_bytes)));
    rows.extend(service.candidate.iter().flat_map(candidate));
    rows.extend(service.mirror.iter().flat_map(mirror));
    let mut label = "kept";
    for kept in &service.kept {
        rows.push(row(std::mem::take(&mut label), earlier(kept)));
    }
    let table = print::table(&rows, |_| false);
    let of_candidate = service.candidate.as_ref().and_then(|candidate| candidate.shadow.as_ref());
    let of_copy = service.mirror.as_ref().and_then(|mirror| mirror.shadow.as_ref());
    let report = of_candidate.or(of_copy).map(shadow::lines);
    std::iter::once(table).chain(report.into_iter().flatten()).collect::<Vec<_>>().join("\n")
}

fn mirror(mirror: &Mirror) -> Vec<Vec<String>> {
    let label = if mirror.was_live { "way back" } else { "handover to" };
    vec![row(label, mirror.release.digest.clone()), row("its copy", handover::line(mirror))]
}

fn row(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

fn state(service: &Service) -> &'static str {
    match &service.live {
        None => "no release",
        Some(live) if live.circuit_open => "circuit open",
        Some(_) => "live",
    }
}

fn live(live: &Release) -> Vec<Vec<String>> {
    let mut rows = vec![row("release", live.digest.clone()), row("live since", utc(&live.deployed_at))];
    rows.extend(live.by.iter().map(|by| row("by", by.clone())));
    rows.extend(live.reason.iter().map(|reason| row("reason", reason.clone())));
    rows.extend(live.data_version.iter().map(|version| {
        let format = version.format.as_ref().map_or_else(String::new, |format| format!("format {format}, "));
        row("its data", format!("{format}writes version {}, reads up to {}", version.writes, version.reads_up_to))
    }));
    rows
}

fn figures(figures: &ServiceFigures) -> Vec<Vec<String>> {
    let mut rows = vec![row("calls", figures.calls.to_string()), row("refused", figures.refused.to_string())];
    rows.extend(figures.errors.iter().map(|(kind, count)| row(&format!("errors: {kind}"), count.to_string())));
    rows.extend([
        row("latency p50", latency(figures, |latency| latency.p50)),
        row("latency p99", latency(figures, |latency| latency.p99)),
        row("reused answers", share(figures.reused, figures.calls)),
        row("conflicts", figures.conflicts.to_string()),
        row("turns", figures.turns.to_string()),
        row("calls to others", figures.nested_calls.to_string()),
        row("running", figures.in_flight.to_string()),
        row("waiting", figures.waiting.to_string()),
    ]);
    rows
}

fn candidate(candidate: &Candidate) -> Vec<Vec<String>> {
    let release = &candidate.release;
    let mut rows = vec![row("candidate", release.digest.clone()), row("it gets", summary::part(candidate))];
    rows.extend(release.reason.iter().map(|reason| row("reason", reason.clone())));
    let judged = candidate.judged.iter().filter(|judged| !judged.text.is_empty());
    rows.extend(judged.map(|judged| row("judged", judged.text.clone())));
    rows
}

/// One line for a release to which a rollback is possible.
fn earlier(release: &Release) -> String {
    let number = release.number.map(|number| format!("release {number}"));
    let reason = release.reason.clone();
    let parts = [Some(short(&release.digest)), number, Some(utc(&release.deployed_at)), reason];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

/// `part` of `all` calls, in percent.
fn share(part: u64, all: u64) -> String {
    part.saturating_mul(100).checked_div(all).map_or(NOTHING.into(), |percent| format!("{percent} %"))
}

fn latency(figures: &ServiceFigures, of: fn(Latency) -> Option<u64>) -> String {
    figures.latency_micros.and_then(of).map_or(NOTHING.into(), micros)
}
