//! `cargo xtask simulate`: seed after seed of the simulator, until one fails.

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Simulates lives of a host with its operator, its clock and its kills, seed after seed")]
struct Arguments {
    /// The name of this command.
    #[arg(hide = true)]
    _command: String,
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Goes on after a seed that fails, and prints of each only what is wrong.
    #[arg(long)]
    keep_going: bool,
    /// Prints what happened in each seed.
    #[arg(long)]
    log: bool,
}

/// Runs the command; it fails with the first seed that does, and prints what happened in that.
pub(crate) fn run() -> ExitCode {
    match simulate(&Arguments::parse()) {
        Ok(is_good) => ExitCode::from(u8::from(!is_good)),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "fail-points"))]
fn simulate(_arguments: &Arguments) -> anyhow::Result<bool> {
    anyhow::bail!("the simulator is not compiled in: run it with `cargo xtask simulate`")
}

#[cfg(feature = "fail-points")]
fn simulate(arguments: &Arguments) -> anyhow::Result<bool> {
    use switchyard::simulation::{Figures, World, run};

    /// After how many seeds it says how far it is.
    const PROGRESS_EVERY: u64 = 500;

    let begin = std::time::Instant::now();
    let folder = tempfile::tempdir()?;
    let world = World::compile(folder.path())?;
    let (mut total, mut failed) = (Figures::default(), 0_u64);
    for done in 0..arguments.seeds {
        match run(&world, arguments.seed + done) {
            Ok((figures, log)) => {
                total.steps += figures.steps;
                total.lives += figures.lives;
                total.requests += figures.requests;
                if arguments.log {
                    log.iter().for_each(|line| println!("{line}"));
                }
            }
            Err(failure) if arguments.keep_going => {
                failed += 1;
                println!("seed {}: {}", failure.seed, failure.wrong.join("; "));
            }
            Err(failure) => {
                print!("{failure}");
                println!("again with: cargo xtask simulate --seed {} --seeds 1", failure.seed);
                return Ok(false);
            }
        }
        if (done + 1) % PROGRESS_EVERY == 0 {
            eprintln!("{} of {} seeds, {} s", done + 1, arguments.seeds, begin.elapsed().as_secs());
        }
    }
    let Figures { steps, lives, requests } = total;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{} seeds from {} on in {seconds:.1} s: {failed} wrong", arguments.seeds, arguments.seed);
    println!("{lives} lives, {steps} steps, {requests} requests; {:.0} steps/s", steps as f64 / seconds);
    Ok(failed == 0)
}
