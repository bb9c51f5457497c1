//! What swaps make calls wait for, as the host measures it itself: the machine's noise is not in it.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Context as _;
use serde::Serialize;

use crate::load::{Connection, request};

const NAME: &str = "switchyard_swap_pause_seconds";

/// How long the pointer to what calls begin on took to be moved, since the start of the host.
#[derive(Debug, Serialize)]
pub(crate) struct Pauses {
    swaps: u64,
    mean_micros: f64,
    /// Bounds, in microseconds, within which 99 of 100 were, and all; nothing beyond the last bound.
    most_within_micros: Option<f64>,
    all_within_micros: Option<f64>,
}

impl Pauses {
    /// Asks the operator's side at `admin`.
    pub(crate) async fn of(admin: SocketAddr) -> anyhow::Result<Self> {
        let mut connection = Connection::open(admin).await?;
        let mut bytes = Vec::new();
        request(&mut bytes, "GET", "/metrics", None, None);
        let answer = connection.send(&bytes).await?;
        Self::read(&String::from_utf8_lossy(answer.body)).context("the metrics tell how long swaps take")
    }

    fn read(metrics: &str) -> Option<Self> {
        let lines = metrics.lines().filter_map(|line| line.strip_prefix(NAME)?.split_once(' '));
        let pointer: Vec<_> = lines.filter(|(labels, _)| labels.contains("what=\"pointer\"")).collect();
        let value = |part: &str| {
            let (_, value) = pointer.iter().find(|(labels, _)| labels.starts_with(part))?;
            value.parse::<f64>().ok()
        };
        let (swaps, seconds) = (value("_count")?, value("_sum")?);
        // In the order of their bounds, each with all that were within it.
        let buckets: Vec<(f64, f64)> = pointer
            .iter()
            .filter_map(|(labels, count)| {
                let (_, bound) = labels.strip_prefix("_bucket")?.split_once("le=\"")?;
                Some((bound.split('"').next()?.parse().ok()?, count.parse().ok()?))
            })
            .collect();
        let within = |share: f64| {
            let (bound, _) = buckets.iter().find(|(_, count)| *count >= swaps * share)?;
            bound.is_finite().then_some(bound * 1e6)
        };
        Some(Self {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of swaps")]
            swaps: swaps as u64,
            mean_micros: seconds * 1e6 / swaps.max(1.0),
            most_within_micros: within(0.99),
            all_within_micros: within(1.0),
        })
    }
}

impl fmt::Display for Pauses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { swaps, mean_micros, most_within_micros, all_within_micros } = self;
        let within = |bound: &Option<f64>| bound.map_or_else(|| "more".into(), |bound| format!("≤ {bound}"));
        let (most, all) = (within(most_within_micros), within(all_within_micros));
        writeln!(f, "{:<42} {:>10} {:>10} {:>10} {:>10}", "the pointer is moved (µs)", "mean", "99 %", "all", "swaps")?;
        writeln!(
            f,
            "{:<42} {mean_micros:>10.1} {most:>10} {all:>10} {swaps:>10}",
            "until calls begin on the new release"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_of_a_host_are_read() {
        let bucket = |bound: &str, count: u32| format!("{NAME}_bucket{{what=\"pointer\",le=\"{bound}\"}} {count}\n");
        let others = format!("{NAME}_count{{what=\"held\"}} 1\n{NAME}_sum{{what=\"held\"}} 0.7\n");
        let counts = format!("{NAME}_sum{{what=\"pointer\"}} 0.0004\n{NAME}_count{{what=\"pointer\"}} 200\n");
        let buckets = [bucket("0.000001", 150), bucket("0.0000025", 199), bucket("0.00001", 200), bucket("+Inf", 200)];
        let read = Pauses::read(&format!("{others}{}{counts}", buckets.concat())).expect("the metric");
        assert_eq!((read.swaps, read.mean_micros.round()), (200, 2.0));
        assert_eq!((read.most_within_micros, read.all_within_micros), (Some(2.5), Some(10.0)));
        assert!(Pauses::read(&others).is_none());
    }
}
