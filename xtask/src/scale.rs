//! `cargo xtask scale`: simulates many shards.

use crate::step::{Step, build};

/// Where the plot is drawn, without other options.
const PLOT: &str = "docs/images/scale.svg";

/// Builds the simulation and runs it with `options`; without any it also draws the plot of docs/scale.md.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    let program = build("the simulation of shards", "scale")?;
    let plot = if options.is_empty() { vec!["--plot", PLOT] } else { Vec::new() };
    let options: Vec<_> = options.iter().map(String::as_str).chain(plot).collect();
    Step { program: &program.to_string_lossy(), ..Step::cargo("simulating shards", &options) }.run()
}
