//! The results as a table with ratios.

use std::fmt;

use serde::Serialize;

use crate::machine::Machine;
use crate::targets::Targets;

/// One operation on one server.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) server: &'static str,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_micros: u128,
    pub(crate) p99_micros: u128,
    pub(crate) cpu_micros_per_request: f64,
    pub(crate) refused: usize,
    /// Syncs of the journal per request, if the server counts them.
    pub(crate) fsyncs_per_request: Option<f64>,
    /// Runs that lost their commit, for each commit of the service, where the operation is about that.
    pub(crate) conflicts_per_commit: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) operation: &'static str,
    pub(crate) connections: usize,
    /// The platform's figure comes first.
    pub(crate) figures: Vec<Figure>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// In UTC.
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
    pub(crate) start_cached_ms: Option<f64>,
    pub(crate) idle_resident_mb: Option<u64>,
    /// Sequential fdatasyncs of 4 KiB on this disk.
    pub(crate) fsyncs_per_second: f64,
    pub(crate) targets: Targets,
}

impl Row {
    pub(crate) fn figure(&self, server: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.server == server)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, cpu, kernel, fsync_ms, commit } = &self.machine;
        writeln!(f, "{}, commit {commit}, {cores} cores, {cpu}, Linux {kernel}", self.date)?;
        writeln!(f, "One fdatasync after another on this disk: {:.0}/s, {fsync_ms:.2} ms", self.fsyncs_per_second)?;
        writeln!(
            f,
            "{:<34} {:<21} {:>10} {:>7} {:>9} {:>9} {:>9} {:>9}",
            "operation", "server", "requests/s", "ratio", "p50 µs", "p99 µs", "CPU µs", "fsyncs"
        )?;
        for row in &self.rows {
            let own = row.figures.first().map_or(0.0, |figure| figure.requests_per_second);
            for (position, figure) in row.figures.iter().enumerate() {
                let name = format!("{} ({})", row.operation, row.connections);
                let name = if position == 0 { name } else { String::new() };
                write!(f, "{name:<34} {:<21} {:>10.0} ", figure.server, figure.requests_per_second)?;
                match position {
                    0 => write!(f, "{:>7}", "")?,
                    _ => write!(f, "{:>6.0}%", own / figure.requests_per_second * 100.0)?,
                }
                write!(f, " {:>9} {:>9} ", figure.p50_micros, figure.p99_micros)?;
                write!(f, "{:>9.1} ", figure.cpu_micros_per_request)?;
                match figure.fsyncs_per_request {
                    Some(syncs) => write!(f, "{syncs:>9.3}")?,
                    None => write!(f, "{:>9}", "")?,
                }
                if figure.refused > 0 {
                    write!(f, "  {} refused", figure.refused)?;
                }
                writeln!(f)?;
            }
        }
        if let Some(start) = self.start_cached_ms {
            writeln!(f, "Start with compiled components to the first answer: {start:.0} ms")?;
        }
        if let Some(resident) = self.idle_resident_mb {
            writeln!(f, "Resident memory of the whole shop, idle: {resident} MB")?;
        }
        writeln!(f, "ratio: the platform's requests/s as a share of that server's\n")?;
        write!(f, "{}", self.targets)
    }
}
