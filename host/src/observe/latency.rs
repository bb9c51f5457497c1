//! A latency histogram to which many threads add without waiting, for the figures in `status`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Four buckets per power of two of microseconds, up to 2^26 (67 s): a quantile is at most 25% too high.
const BUCKETS: usize = 100;

/// The counts of each latency bucket since the start.
#[derive(Debug)]
pub struct Latencies([AtomicU64; BUCKETS]);

impl Default for Latencies {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Latencies {
    pub fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.0.get(bucket(micros)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    /// The latency in microseconds that `percent` percent of all calls did not exceed; `None` before the first call.
    #[must_use]
    pub fn percentile_micros(&self, percent: u64) -> Option<u64> {
        self.counts().percentile_micros(percent)
    }

    /// The counts until now.
    #[must_use]
    pub fn counts(&self) -> LatencyCounts {
        LatencyCounts(self.0.iter().map(|bucket| bucket.load(Relaxed)).collect())
    }
}

/// The counts of each latency bucket in a period of time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LatencyCounts(Vec<u64>);

impl LatencyCounts {
    /// The counts of both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let at = |counts: &Self, position: usize| counts.0.get(position).copied().unwrap_or(0);
        let sum = |position| at(self, position).saturating_add(at(other, position));
        Self((0..BUCKETS.min(self.0.len().max(other.0.len()))).map(sum).collect())
    }

    /// The counts since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let earlier = earlier.0.iter().chain(std::iter::repeat(&0));
        Self(self.0.iter().zip(earlier).map(|(now, then)| now.saturating_sub(*then)).collect())
    }

    /// The latency in microseconds that `percent` percent of all calls did not exceed; `None` without calls.
    #[must_use]
    pub fn percentile_micros(&self, percent: u64) -> Option<u64> {
        let total: u64 = self.0.iter().sum();
        let rank = (total * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        let position = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(bucket_end(position))
    }

    /// How many calls took at most `micros` microseconds, to the precision of the buckets.
    #[must_use]
    pub fn up_to(&self, micros: u64) -> u64 {
        self.0
            .iter()
            .enumerate()
            .take_while(|(position, _)| bucket_end(*position) <= micros)
            .map(|(_, count)| count)
            .sum()
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many calls took longer than `micros` microseconds, to the precision of the buckets.
    #[must_use]
    pub fn above(&self, micros: u64) -> u64 {
        self.0.iter().skip(bucket(micros) + 1).sum()
    }
}

fn bucket(micros: u64) -> usize {
    if micros < 4 {
        return usize::try_from(micros).unwrap_or(0);
    }
    let exponent = micros.ilog2();
    let quarter = (micros >> (exponent - 2)) & 3;
    let position = u64::from(exponent - 1) * 4 + quarter;
    usize::try_from(position).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest latency, in microseconds, in the bucket at `position`.
fn bucket_end(position: usize) -> u64 {
    let position = u64::try_from(position).unwrap_or(u64::MAX);
    if position < 4 { position } else { ((5 + position % 4) << (position / 4 - 1)) - 1 }
}

#[cfg(test)]
mod tests;
