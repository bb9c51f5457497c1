//! The goals for the rows of the table.

use crate::operation::Operation;
use crate::rows::{AFRESH, FIVE, JOURNAL, NODE, REDB, REUSED};
use crate::table::{Figure, Row};
use crate::targets::Bound::{self, AtLeast, AtMost};
use crate::targets::Target;
use crate::{chain, machine};

/// Requests per second on one hot SKU, and the milliseconds of an fsync for which that is the goal.
const HOT_PER_SECOND: f64 = 20_000.0;
const HOT_FSYNC_MS: f64 = 0.2;

/// A figure of a server.
#[derive(Debug, Clone, Copy)]
enum Metric {
    Cpu,
    PerSecond,
    Conflicts,
}

/// The goal for a figure of `server`: as a ratio to that of `baseline`, if there is one.
struct Goal {
    row: &'static str,
    server: &'static str,
    metric: Metric,
    baseline: Option<&'static str>,
    bound: Bound,
}

impl Metric {
    /// `None` if the figure lacks it.
    fn of(self, figure: &Figure) -> Option<f64> {
        match self {
            Self::Cpu => Some(figure.cpu_micros_per_request),
            Self::PerSecond => Some(figure.requests_per_second),
            Self::Conflicts => figure.conflicts_per_commit,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs",
            Self::PerSecond => "requests/s",
            Self::Conflicts => "conflicts per commit",
        }
    }
}

fn goals(fsync_ms: f64) -> Vec<Goal> {
    use Metric::{Conflicts, Cpu, PerSecond};
    let goal = |row, server, metric, baseline, bound| Goal { row, server, metric, baseline, bound };
    let [get, list, nothing, write, hot, checkout] = Operation::ALL.map(Operation::name);
    // A slower disk makes fewer commits durable in a second.
    let hot_per_second = HOT_PER_SECOND * (HOT_FSYNC_MS / fsync_ms).min(1.0);
    vec![
        goal(get, REUSED, Cpu, Some(JOURNAL), AtMost(1.3)),
        goal(get, REUSED, Cpu, Some(NODE), AtMost(1.0)),
        goal(get, AFRESH, Cpu, Some(JOURNAL), AtMost(2.4)),
        goal(list, REUSED, Cpu, Some(JOURNAL), AtMost(0.5)),
        goal(list, AFRESH, Cpu, Some(JOURNAL), AtMost(2.0)),
        goal(chain::NAME, REUSED, Cpu, Some(FIVE), AtMost(0.25)),
        goal(chain::NAME, AFRESH, Cpu, Some(FIVE), AtMost(0.6)),
        goal(write, REUSED, Cpu, Some(JOURNAL), AtMost(2.0)),
        goal(write, REUSED, PerSecond, Some(REDB), AtLeast(0.6)),
        goal(hot, REUSED, Cpu, Some(JOURNAL), AtMost(2.5)),
        goal(hot, REUSED, PerSecond, None, AtLeast(hot_per_second)),
        goal(hot, REUSED, Conflicts, None, AtMost(0.05)),
        goal(checkout, REUSED, Cpu, Some(JOURNAL), AtMost(7.0)),
        goal(checkout, REUSED, PerSecond, Some(FIVE), AtLeast(2.0)),
        goal(nothing, REUSED, Cpu, None, AtMost(13.0)),
    ]
}

/// The targets of the rows that were measured.
pub(crate) fn targets(rows: &[Row], machine: &machine::Machine) -> Vec<Target> {
    let of_row = |goal: Goal| {
        let row = rows.iter().find(|row| row.operation == goal.row)?;
        Some(target(row, &goal))
    };
    goals(machine.fsync_ms).into_iter().filter_map(of_row).collect()
}

fn target(row: &Row, goal: &Goal) -> Target {
    let Goal { server, metric, baseline, bound, .. } = *goal;
    let figure = |server| row.figure(server).and_then(|figure| metric.of(figure));
    let how = match (server, row.figure(AFRESH)) {
        (REUSED, Some(_)) => ", reused",
        (AFRESH, _) => ", afresh",
        _ => "",
    };
    let name = format!("{}{how}", row.operation);
    match baseline {
        Some(baseline) => {
            let what = format!("{} : {baseline}", metric.name());
            Target::relative(&name, &what, [figure(server), figure(baseline)], bound)
        }
        None => Target::absolute(&name, metric.name(), figure(server).unwrap_or(f64::NAN), bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    fn figure(server: &'static str, cpu_micros_per_request: f64) -> Figure {
        let (requests_per_second, refused, fsyncs_per_request) = (1e4, 0, None);
        Figure {
            server,
            requests_per_second,
            p50_micros: 1,
            p99_micros: 1,
            cpu_micros_per_request,
            refused,
            fsyncs_per_request,
            conflicts_per_commit: Some(0.01),
        }
    }

    fn of(operation: &'static str, figures: Vec<Figure>) -> Vec<(String, bool)> {
        let machine =
            Machine { cores: 2, cpu: "any".into(), kernel: "any".into(), fsync_ms: 0.4, commit: "any".into() };
        let targets = targets(&[Row { operation, connections: 64, figures }], &machine);
        targets.into_iter().map(|target| (format!("{}, {}", target.row, target.what), target.missed())).collect()
    }

    #[test]
    fn a_row_is_compared_with_its_baselines_and_one_that_is_missing_is_a_miss() {
        let figures = vec![figure(REUSED, 13.0), figure(AFRESH, 25.0), figure(JOURNAL, 10.0)];
        let expected = [
            ("GET one item, reused, CPU µs : journal, no Wasm", false),
            ("GET one item, reused, CPU µs : node, hello", true),
            ("GET one item, afresh, CPU µs : journal, no Wasm", true),
        ];
        assert_eq!(of("GET one item", figures), expected.map(|(name, missed)| (name.to_owned(), missed)));
    }

    #[test]
    fn the_goal_for_one_hot_sku_is_lower_on_a_slower_disk() {
        // 10,000 requests/s where an fsync takes 0.4 ms.
        let targets = of("reservation of one hot SKU", vec![figure(REUSED, 25.0), figure(JOURNAL, 10.0)]);
        assert!(targets.iter().all(|(_, missed)| !missed), "{targets:?}");
    }
}
