//! The plot of docs/scale.md: the CPU of the nodes over time, and how long shards pause.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::{Cause, Report};
use crate::settings::CPU_PART_MAX;

const SIZE: (u32, u32) = (880, 560);
const MEAN: RGBColor = RGBColor(0x80, 0x80, 0x80);
const MOST: RGBColor = RGBColor(0x1f, 0x6f, 0xb5);
const BOUND: RGBColor = RGBColor(0xc9, 0x2a, 0x2a);

/// A line for each cause of a pause.
const CAUSES: [(Cause, &str, RGBColor); 4] = [
    (Cause::StepDown, "hands over", RGBColor(0x80, 0x80, 0x80)),
    (Cause::NodeLoss, "node lost", RGBColor(0x1f, 0x6f, 0xb5)),
    (Cause::ZoneLoss, "zone lost", RGBColor(0xd9, 0x82, 0x1a)),
    (Cause::NatsServerLoss, "NATS server lost", RGBColor(0x7b, 0x3f, 0x9d)),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// # Errors
///
/// The file cannot be written.
pub(crate) fn draw(path: &Path, report: &Report) -> anyhow::Result<()> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(SIZE.1 / 2);
    cpu(&upper, report)?;
    pauses(&lower, report)?;
    Ok(root.present()?)
}

fn cpu(area: &Area<'_>, report: &Report) -> anyhow::Result<()> {
    let hours = report.settings.hours as f64;
    let mut chart = ChartBuilder::on(area)
        .caption("CPU of the nodes that are up, in percent: most (blue), mean (grey), bound (red)", ("sans-serif", 14))
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..hours, 0.0..100.0)?;
    chart.configure_mesh().x_desc("hours").x_labels(13).y_labels(6).light_line_style(WHITE).draw()?;
    let line = |part: fn(&crate::report::Sample) -> f64| {
        report.samples.iter().map(move |sample| (sample.minute / 60.0, part(sample) * 100.0))
    };
    chart.draw_series(LineSeries::new([(0.0, CPU_PART_MAX * 100.0), (hours, CPU_PART_MAX * 100.0)], BOUND))?;
    chart.draw_series(LineSeries::new(line(|sample| sample.cpu_mean), MEAN))?;
    chart.draw_series(LineSeries::new(line(|sample| sample.cpu_max), MOST))?;
    Ok(())
}

fn pauses(area: &Area<'_>, report: &Report) -> anyhow::Result<()> {
    let mut chart = ChartBuilder::on(area)
        .caption(
            "Pauses of a shard: percent that ended within so many seconds, and the bound for a node (red)",
            ("sans-serif", 14),
        )
        .margin(8)
        .x_label_area_size(32)
        .y_label_area_size(44)
        .build_cartesian_2d(0.0..10.0, 0.0..100.0)?;
    chart.configure_mesh().x_desc("seconds").x_labels(11).y_labels(6).light_line_style(WHITE).draw()?;
    let bound = report.failover_ms_bound / 1_000.0;
    chart.draw_series(LineSeries::new([(bound, 0.0), (bound, 100.0)], BOUND))?;
    for (cause, name, color) in CAUSES {
        let Some(all) = report.all_pauses.get(&cause) else { continue };
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        let ended = |(index, milliseconds): (usize, &f64)| (milliseconds / 1_000.0, (index + 1) as f64 / count * 100.0);
        let line: Vec<_> = sorted.iter().enumerate().map(ended).collect();
        let middle = line.get(line.len() / 2).copied().unwrap_or_default();
        chart.draw_series(LineSeries::new(line, color))?;
        let style = ("sans-serif", 13).into_font().color(&color);
        chart.draw_series([Text::new(name, (middle.0 + 0.12, middle.1 - 8.0), style)])?;
    }
    Ok(())
}
