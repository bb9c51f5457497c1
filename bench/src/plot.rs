//! The plot of docs/performance.md: each target over the dates, relative to its goal.

use std::path::Path;

use anyhow::Context as _;
use plotters::prelude::*;

use crate::page;
use crate::results::{self, Run};
use crate::targets::{Bound, Target};

/// Small charts side by side, and the pixels of each.
const COLUMNS: usize = 2;
const CHART: (u32, u32) = (440, 120);

/// The goal of each chart is at 1: the whole range is this many times above and below it.
const RANGE: std::ops::Range<f64> = 0.1..10.0;

const MET: RGBColor = RGBColor(0x1a, 0x7f, 0x37);
const MISSED: RGBColor = RGBColor(0xc9, 0x2a, 0x2a);
const LINE: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// One target over the dates.
#[derive(Debug, PartialEq)]
struct Series {
    name: String,
    goal: Bound,
    /// The number of the run, and the figure as a multiple of the goal.
    points: Vec<(f64, f64)>,
}

/// Draws the plot, and fills the table of the page with the last run.
pub(crate) fn draw(workspace: &Path) -> anyhow::Result<()> {
    let runs = results::read(workspace)?;
    let last = runs.last().context("there are no results: run the bench with --json")?;
    let path = workspace.join("docs/images/performance.svg");
    plot(&path, &runs)?;
    page::fill(workspace, last)?;
    eprintln!("drawn: {}", path.display());
    Ok(())
}

/// Each target with its points, in the order in which they were first measured. Its goal is that of the last run.
fn series(runs: &[Run]) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for target in &run.targets.0 {
            let name = name(target);
            let point = target.judged().map(|value| (number as f64, value / target.goal.value()));
            match all.iter_mut().find(|series| series.name == name) {
                Some(series) => {
                    series.goal = target.goal;
                    series.points.extend(point);
                }
                None => all.push(Series { name, goal: target.goal, points: point.into_iter().collect() }),
            }
        }
    }
    all
}

fn name(target: &Target) -> String {
    format!("{}: {}", target.row, target.what)
}

fn plot(path: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let all = series(runs);
    let rows = all.len().div_ceil(COLUMNS);
    let size = (CHART.0 * COLUMNS as u32, CHART.1 * rows as u32);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, series) in root.split_evenly((rows, COLUMNS)).iter().zip(&all) {
        chart(area, series, runs).with_context(|| format!("drawing {}", series.name))?;
    }
    Ok(root.present()?)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn chart(area: &Area<'_>, series: &Series, runs: &[Run]) -> anyhow::Result<()> {
    let last = (runs.len() - 1) as f64;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{} ({})", series.name, series.goal), ("sans-serif", 14))
        .margin(6)
        .x_label_area_size(18)
        .y_label_area_size(36)
        .build_cartesian_2d(-0.5..last + 0.5, RANGE.log_scale())?;
    let date = |number: &f64| {
        let whole = (number.round() - number).abs() < 0.01;
        runs.get(number.round().max(0.0) as usize).filter(|_| whole).map_or_else(String::new, |run| run.date.clone())
    };
    chart.configure_mesh().disable_mesh().x_labels(3).y_labels(3).x_label_formatter(&date).draw()?;
    chart.draw_series(LineSeries::new([(-0.5, 1.0), (last + 0.5, 1.0)], BLACK))?;
    let inside = |value: f64| value.clamp(RANGE.start, RANGE.end);
    let points: Vec<_> = series.points.iter().map(|(number, value)| (*number, inside(*value))).collect();
    chart.draw_series(LineSeries::new(points.clone(), LINE))?;
    let met = |value: f64| match series.goal {
        Bound::AtMost(_) => value <= 1.0,
        Bound::AtLeast(_) => value >= 1.0,
    };
    let dot = |point: (f64, f64)| Circle::new(point, 4, if met(point.1) { MET.filled() } else { MISSED.filled() });
    chart.draw_series(points.into_iter().map(dot))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::targets::Targets;

    fn run(date: &str, figures: &[(&str, f64)]) -> Run {
        let machine =
            Machine { cores: 2, cpu: "any".into(), kernel: "any".into(), fsync_ms: 0.2, commit: "any".into() };
        let target = |(row, value): &(&str, f64)| Target::absolute(row, "µs", *value, Bound::AtMost(10.0));
        Run { date: date.into(), machine, targets: Targets(figures.iter().map(target).collect()) }
    }

    #[test]
    fn a_target_has_a_point_for_each_run_that_measured_it() {
        let runs = [run("2026-11-30", &[("a", 5.0)]), run("2026-12-01", &[("a", 20.0), ("b", 10.0)])];
        let series = |name: &str, points: &[(f64, f64)]| Series {
            name: name.into(),
            goal: Bound::AtMost(10.0),
            points: points.to_vec(),
        };
        let expected = [series("a: µs", &[(0.0, 0.5), (1.0, 2.0)]), series("b: µs", &[(1.0, 1.0)])];
        assert_eq!(super::series(&runs), expected);
    }

    #[test]
    fn the_plot_names_each_target_and_date() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("plot.svg");
        plot(&path, &[run("2026-11-30", &[("a", 5.0)]), run("2026-12-01", &[("a", 2000.0)])]).expect("it is drawn");
        let svg = std::fs::read_to_string(path).expect("it is there");
        assert!(["a: µs (≤ 10)", "2026-11-30", "2026-12-01"].iter().all(|text| svg.contains(text)), "{svg}");
    }
}
