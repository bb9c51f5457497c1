//! Compares a candidate with the live release over the same time.
//!
//! A candidate is bad only if chance does not explain the difference. The difference of two shares of calls is compared
//! with a bound, in standard errors, with one success and one failure added to each sample (Agresti and Caffo, 2000),
//! so that it is also valid for small samples.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::call::{LoadedRelease, Shadow, Share};
use crate::clock;
use crate::config::DeploySettings;
use crate::observe::Sample;

/// From this many standard errors on, a difference is not explained by chance. A trial has some thousand checks, and by
/// chance only one check in 30,000 goes that far.
const STANDARD_ERRORS_MIN: f64 = 4.0;

/// The percentage of the live release's calls that count as fast.
const FAST_PERCENT: u64 = 90;

/// A candidate's time at one step.
#[derive(Debug)]
pub(in crate::release) struct Trial {
    pub(in crate::release) since: Instant,
    live_before: Sample,
    candidate_before: Sample,
    pub(in crate::release) shadow: Option<Arc<Shadow>>,
}

/// The shares of calls that ended badly, 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::release) struct Rates {
    pub(in crate::release) calls: u64,
    /// Refused by the rules of the component.
    pub(in crate::release) refused_rate: f64,
    pub(in crate::release) error_rate: f64,
    pub(in crate::release) trap_rate: f64,
    /// The share of calls slower than a bound: the time of the live release's 90th percentile, times a factor, and at
    /// least some time more.
    pub(in crate::release) slow_rate: f64,
}

/// The opinion on a candidate, and the figures behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::release) struct Judged {
    pub(in crate::release) opinion: Opinion,
    pub(in crate::release) text: String,
    pub(in crate::release) live: Rates,
    pub(in crate::release) candidate: Rates,
    pub(in crate::release) sample_min: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::release) enum Opinion {
    TooFewCalls,
    Good,
    Bad,
}

impl Trial {
    /// Begins a trial in which `share` of the callers get the candidate. If all callers do, the earlier calls of the
    /// live release are used for the comparison.
    pub(in crate::release) fn begin(
        live: &LoadedRelease,
        candidate: &LoadedRelease,
        share: Share,
        shadow: Option<Arc<Shadow>>,
    ) -> Arc<Self> {
        let live_before = if share == Share::ALL { Sample::default() } else { live.sample() };
        let candidate_before = candidate.sample();
        Arc::new(Self { since: clock::now(), live_before, candidate_before, shadow })
    }

    pub(in crate::release) fn lasted(&self) -> Duration {
        clock::elapsed(self.since)
    }

    pub(in crate::release) fn judge(
        &self,
        live: &LoadedRelease,
        candidate: &LoadedRelease,
        settings: &DeploySettings,
    ) -> Judged {
        judge(&live.sample().since(&self.live_before), &candidate.sample().since(&self.candidate_before), settings)
    }
}

fn judge(live: &Sample, candidate: &Sample, settings: &DeploySettings) -> Judged {
    let slow_micros = slow_micros(live, settings);
    let rates = |sample: &Sample| {
        let rate = |count: u64| if sample.calls == 0 { 0.0 } else { count as f64 / sample.calls as f64 };
        Rates {
            calls: sample.calls,
            refused_rate: rate(sample.refused),
            error_rate: rate(sample.errors),
            trap_rate: rate(sample.traps),
            slow_rate: rate(sample.latencies.above(slow_micros)),
        }
    };
    let (opinion, text) = opinion(live, candidate, slow_micros, settings);
    let sample_min = settings.candidate_calls_min;
    Judged { opinion, text, live: rates(live), candidate: rates(candidate), sample_min }
}

/// Calls longer than this are slow: both relative to the live release's, and by a time that the clock and the
/// scheduler do not explain.
fn slow_micros(live: &Sample, settings: &DeploySettings) -> u64 {
    let usual = live.latencies.percentile_micros(FAST_PERCENT).unwrap_or(0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no call takes 2^53 microseconds")]
    let bound = (usual as f64 * settings.candidate_slowdown_max) as u64;
    bound.max(usual.saturating_add(settings.candidate_slower_micros_min))
}

fn opinion(live: &Sample, candidate: &Sample, slow_micros: u64, settings: &DeploySettings) -> (Opinion, String) {
    let fewest = live.calls.min(candidate.calls);
    if fewest < settings.candidate_calls_min {
        return (Opinion::TooFewCalls, format!("{fewest} of {} calls so far", settings.candidate_calls_min));
    }
    let percent = |count: u64, sample: &Sample| 100.0 * count as f64 / sample.calls as f64;
    let more = |what: &str, of: fn(&Sample) -> u64, percent_max: f64| {
        let (one, other) = ((of(live), live.calls), (of(candidate), candidate.calls));
        (standard_errors(one, other, percent_max / 100.0) >= STANDARD_ERRORS_MIN).then(|| {
            let (one, other) = (percent(one.0, live), percent(other.0, candidate));
            format!("{other:.2} % of its calls {what}, and {one:.2} % of the live release's")
        })
    };
    let slow = || {
        let slow = candidate.latencies.above(slow_micros);
        // One in ten calls of the live release is slower than usual, before the factor is applied.
        let usual = (candidate.calls / 10, candidate.calls);
        let bad = standard_errors(usual, (slow, candidate.calls), 0.0) >= STANDARD_ERRORS_MIN;
        let slow = percent(slow, candidate);
        bad.then(|| format!("{slow:.1} % of its calls take longer than {slow_micros} µs, at most 10 % may"))
    };
    let bad = more("trap or miss a limit", |sample| sample.traps, settings.candidate_traps_percent_more_max)
        .or_else(|| more("end with an error", |sample| sample.errors, settings.candidate_errors_percent_more_max))
        .or_else(|| more("are refused", |sample| sample.refused, settings.candidate_refused_percent_more_max))
        .or_else(slow);
    match bad {
        Some(why) => (Opinion::Bad, why),
        None => (Opinion::Good, format!("as good as the live release in {} calls", candidate.calls)),
    }
}

/// By how many standard errors the share of `other` (counted, of all) exceeds the share of `one` plus `margin`.
fn standard_errors(one: (u64, u64), other: (u64, u64), margin: f64) -> f64 {
    let share = |(count, all): (u64, u64)| {
        let all = all as f64 + 2.0;
        let share = (count as f64 + 1.0) / all;
        (share, share * (1.0 - share) / all)
    };
    let ((one, one_variance), (other, other_variance)) = (share(one), share(other));
    (other - one - margin) / (one_variance + other_variance).sqrt()
}

#[cfg(test)]
mod tests;
