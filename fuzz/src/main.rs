//! Fuzzing without a nightly toolchain: every target gets mutated inputs for a minute. A panic anywhere in the process,
//! a broken assertion or a slow input is a failure; the input is kept in a file.
//!
//! Coverage does not guide it. Instead a target describes the outcome of each input, and an input with a new outcome,
//! such as another error, is mutated further.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod mutate;
mod run;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Runs every fuzz target, each for a minute")]
struct Arguments {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Repeats the inputs of this seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// Runs one input from a file instead of many.
    #[arg(long, requires = "target")]
    input: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if let Some(wanted) = &arguments.target {
        let known = targets::ALL.map(|(name, _)| name);
        anyhow::ensure!(
            known.contains(&wanted.as_str()),
            "no target is called {wanted}; there are {}",
            known.join(", ")
        );
    }
    let mut is_good = true;
    for (name, open) in targets::ALL {
        if arguments.target.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let mut target = open()?;
        is_good &= match &arguments.input {
            Some(path) => run::once(name, &mut *target, std::fs::read(path)?),
            None => run::many(name, &mut *target, arguments.seed, arguments.seconds)?,
        };
    }
    Ok(is_good)
}
