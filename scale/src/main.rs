//! Simulates many shards: where they are placed, what happens when tenants grow and nodes are lost, and how long nobody
//! answers. docs/scale.md explains the model. A seed determines everything.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    reason = "figures are rounded, and an index is made together with the list that it belongs to"
)]

mod balance;
mod copies;
mod costs;
mod events;
mod failover;
mod placement;
mod plot;
mod random;
mod relief;
mod report;
mod rules;
mod settings;
mod simulation;
mod table;
#[cfg(test)]
mod tests;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::settings::Settings;

#[derive(Debug, Parser)]
#[command(about = "Simulates the placement of many shards, tenants that grow, and the loss of nodes")]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the plot to this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: a rule was broken, see the end of the output");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all rules held.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let report = simulation::run(&arguments.settings)?;
    if let Some(path) = &arguments.plot {
        plot::draw(path, &report).with_context(|| format!("cannot draw {}", path.display()))?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", table::write(&report)?);
    }
    Ok(report.broken.is_empty())
}
