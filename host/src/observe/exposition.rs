//! Metrics that are written when they are asked for, in Prometheus' text format: of the process, and of the releases that
//! run now. Their series end with what they are about, so that their number is bounded.

use std::fmt::Write as _;

use super::descriptions::{Kind, description};
use super::releases::Sample;

/// Bounds of the latency histograms of releases, in microseconds.
const LATENCY_MICROS: [u64; 15] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000];

/// A release that runs now.
#[derive(Debug)]
pub struct ReleaseSeries {
    pub service: String,
    pub number: u64,
    pub digest: String,
    /// `live` or `candidate`.
    pub role: &'static str,
    /// Its share of the callers, 0 to 1.
    pub share: f64,
    /// Its calls since it was loaded.
    pub sample: Sample,
}

/// Text in Prometheus' format. Each family is written once, with its description.
#[derive(Debug, Default)]
pub(super) struct Exposition(pub(super) String);

impl Exposition {
    /// Writes the family `name` with the samples that `write` adds.
    pub(super) fn family(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        let described = description(name);
        debug_assert!(described.is_some(), "{name} is described");
        let (kind, help) = described.map_or((Kind::Gauge, ""), |described| (described.kind, described.help));
        let _infallible = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
        write(self);
        self.0.push('\n');
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _infallible = write!(self.0, "{label}=\"{text}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _infallible = writeln!(self.0, "{end} {value}");
    }

    /// Writes the families of releases.
    pub(super) fn releases(&mut self, releases: &[ReleaseSeries]) {
        self.of_each("switchyard_release_info", releases, |text, name, release| {
            let labels = labels(release);
            let labels: Vec<_> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
            text.sample(name, &[labels.as_slice(), &[("digest", &release.digest)]].concat(), 1.0);
        });
        self.of_each("switchyard_release_share", releases, |text, name, release| {
            text.with(name, release, &[], release.share);
        });
        self.of_each("switchyard_release_calls_total", releases, |text, name, release| {
            let Sample { calls, refused, errors, traps, .. } = release.sample;
            let ok = calls.saturating_sub(refused).saturating_sub(errors);
            let outcomes = [("ok", ok), ("refused", refused), ("error", errors.saturating_sub(traps)), ("trap", traps)];
            for (outcome, count) in outcomes {
                // Exact up to 2^53, which is more than can be counted.
                text.with(name, release, &[("outcome", outcome)], count as f64);
            }
        });
        self.of_each("switchyard_release_call_seconds", releases, |text, name, release| {
            let bucket = format!("{name}_bucket");
            for micros in LATENCY_MICROS {
                let seconds = (micros as f64 / 1e6).to_string();
                let count = release.sample.latencies.up_to(micros);
                text.with(&bucket, release, &[("le", &seconds)], count as f64);
            }
            let count = release.sample.latencies.total() as f64;
            text.with(&bucket, release, &[("le", "+Inf")], count);
            text.with(&format!("{name}_sum"), release, &[], release.sample.micros as f64 / 1e6);
            text.with(&format!("{name}_count"), release, &[], count);
        });
    }

    fn of_each(&mut self, name: &str, releases: &[ReleaseSeries], write: impl Fn(&mut Self, &str, &ReleaseSeries)) {
        self.family(name, |text| releases.iter().for_each(|release| write(text, name, release)));
    }

    fn with(&mut self, name: &str, release: &ReleaseSeries, more: &[(&str, &str)], value: f64) {
        let labels = labels(release);
        let labels: Vec<_> = labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
        self.sample(name, &[labels.as_slice(), more].concat(), value);
    }
}

fn labels(release: &ReleaseSeries) -> [(&'static str, String); 3] {
    [("service", release.service.clone()), ("release", release.number.to_string()), ("role", release.role.to_owned())]
}
