//! The time that calls wait for swaps, as measured by the host itself, without the noise of the machine.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;

use crate::load::Connection;
use crate::metrics::Metrics;

/// How long it took to move the pointer to the live routing, since the start of the host.
#[derive(Debug, Serialize)]
pub(crate) struct Pauses {
    swaps: u64,
    mean_micros: f64,
    /// Upper bounds in microseconds: for 99 of 100 swaps, and for all; `None` beyond the last bound.
    most_within_micros: Option<f64>,
    all_within_micros: Option<f64>,
}

impl Pauses {
    /// Requests it from the operator's API at `admin`.
    pub(crate) async fn of(admin: SocketAddr) -> anyhow::Result<Self> {
        let metrics = Metrics::read(&mut Connection::open(admin).await?).await?;
        let pauses = metrics.histogram("switchyard_swap_pause_seconds", "what=\"pointer\"")?;
        let within_micros = |share| pauses.within(share).map(|seconds| seconds * 1e6);
        Ok(Self {
            swaps: pauses.count as u64,
            mean_micros: pauses.sum * 1e6 / pauses.count.max(1.0),
            most_within_micros: within_micros(0.99),
            all_within_micros: within_micros(1.0),
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
