//! The crash test: a load of all operations of the shop, a host that is killed repeatedly, and a check that everything
//! acknowledged is still true and happened once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]
#![expect(clippy::indexing_slicing, reason = "of JSON; what is not there is null")]

mod act;
mod ask;
mod check;
mod cluster;
mod handover;
mod host;
mod linear;
mod operator;
mod people;
mod plan;
mod registers;
mod report;
mod round_trips;
mod run;
mod shop;
mod steps;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use switchyard::fail_point::{ARE_COMPILED_IN, Sabotage};

#[derive(Debug, Parser)]
#[command(about = "Kills the shop's host again and again under load, and looks at what is left")]
struct Arguments {
    /// Rounds; the host dies twice in each. In a cluster, each has six faults.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Repeats the plan of operations and kills of this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Instead of rounds: moves each service to its alternative implementation and back this often under load.
    #[arg(long, value_name = "TIMES", conflicts_with_all = ["rounds", "steps"])]
    handovers: Option<usize>,
    /// Instead of rounds: kills the host once at each step of a handover.
    #[arg(long, conflicts_with_all = ["rounds", "sabotage"])]
    steps: bool,
    /// Instead of one host: three hosts over three NATS servers, and faults of processes, links and a disk.
    #[arg(long, conflicts_with_all = ["handovers", "steps"])]
    cluster: bool,
    /// Breaks the host on purpose; then the test succeeds if it finds that.
    #[arg(long)]
    sabotage: Option<Broken>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
struct Broken(Sabotage);

impl ValueEnum for Broken {
    fn value_variants<'a>() -> &'a [Self] {
        const {
            &[
                Self(Sabotage::AnswerBeforeSync),
                Self(Sabotage::MemoApart),
                Self(Sabotage::PositionApart),
                Self(Sabotage::MirrorForgets),
                Self(Sabotage::AnswerBeforeAck),
                Self(Sabotage::NoFence),
                Self(Sabotage::ReadsWithoutNumber),
                Self(Sabotage::NumberWithoutLease),
            ]
        }
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(self.0.name().into())
    }
}

fn main() -> ExitCode {
    // This program itself is the host that it kills, so that the host is always current.
    if std::env::args_os().nth(1).is_some_and(|command| command == "up") {
        return switchyard::cli::run();
    }
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
    anyhow::ensure!(ARE_COMPILED_IN, "the host has no fail points: run it with `cargo xtask crash`");
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()));
    let sabotage = arguments.sabotage.map(|broken| broken.0);
    let runtime = tokio::runtime::Runtime::new()?;
    let report = match arguments.handovers {
        _ if arguments.cluster => match runtime.block_on(cluster::rounds(seed, arguments.rounds, sabotage))? {
            Some(report) => report,
            None => return Ok(true),
        },
        Some(times) => runtime.block_on(round_trips::run(seed, times, sabotage))?,
        None if arguments.steps => runtime.block_on(steps::run(seed))?,
        None => runtime.block_on(run::rounds(seed, arguments.rounds, sabotage))?,
    };
    match arguments.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{report}"),
    }
    let Some(sabotage) = sabotage else { return Ok(report.violations.is_empty()) };
    let (found, rounds) = (report.rounds_that_found, report.rounds);
    eprintln!("{} was found in {found} of {rounds} rounds.", sabotage.name());
    Ok(found > 0)
}
