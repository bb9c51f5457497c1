//! A simulator of operators, clocks and kills: the real stores, calls, events and releases of a host in one thread, on
//! a simulated disk and in virtual time. A seed determines everything.
//!
//! A seed has several lives of a host. In each life clients send requests, an operator makes changes and the clock
//! steps. Then the host stops, is killed, or loses its power, and the next life begins with the remaining data on the
//! disk. A model knows what was acknowledged, and what must be true at the end:
//!
//! - An acknowledged request has its effects exactly once after every kill, in all services that it reached.
//! - An event takes effect once in its subscriber, and so do the handler's effects elsewhere.
//! - A change of releases is made completely or not at all, and the data has the version of its release. Changes are
//!   deploys, candidates, promotions, rollbacks, and applies that add or remove a service and migrate others.
//! - The history, read line by line, gives the live releases and the candidates. An acknowledged change has each of its
//!   lines once, a refused one has at most its refusals, and an unacknowledged one has all of its lines or none.
//! - A restore to a number gives the data, the releases and the history of exactly that number, and a host can go on
//!   from there.
//! - With `--stream`, every node of the cluster has the same in the end, whichever of them led.
//! - Nothing blocks forever: within hours of virtual time every call, every delivery and every change has ended.
//!
//! # What finds which fault
//!
//! | a fault put back | found by |
//! |---|---|
//! | a commit leaves out the answer to its request | simulator: the effect of a key is there twice |
//! | a commit leaves out the cursor of a subscription | simulator: an event is handled twice |
//! | an answer leaves before its commit is durable | simulator: an acknowledged effect is gone after a kill |
//! | a memo is deleted while its call may run again | simulator: the effect of a handler elsewhere is there twice |
//! | the record of a candidate is not in the commit of its change | simulator: after a start the candidate is missing |
//! | a change's lines of the history have a commit of their own | simulator: after a kill other releases are live |
//! | a restore replays the data and not the platform's store | simulator: rows of the platform's store are missing |
//! | a migration has a commit of its own, before its releases | `a_host_that_is_killed_in_a_change_starts_with_…` |
//! | a scan without a prefix reaches system tables | `no_scan_whatsoever_shows_a_component_a_row_or_ends_the_host` |
//! | a scan with inverted bounds panics | the same test |
//! | a delivery begins as if it had seen nothing | `a_request_of_a_delivery_waits_for_the_commit_that_…` |
//! | readiness does not look for room on the disk | `health_tells_when_there_is_no_room_and_…` |
//! | an apply drops a store that it has made live | `an_apply_that_is_committed_and_not_durable_keeps_…` |
//! | the host rolls back more than once after a deploy | `the_host_goes_back_from_a_release_whose_circuit_opens_…` |
//! | a rollback goes to a release that a rollback left | `a_rollback_goes_back_one_release_and_once_more_…` |
//! | a circuit opens by a count of failures alone | `the_circuit_judges_by_the_rate_of_failures` |
//! | one client opens a circuit | `one_client_does_not_open_the_circuit_for_all` |
//! | answers are sealed with one nonce | `one_answer_is_never_sealed_twice_in_the_same_way` |
//! | the check value of an answer is not authenticated | `every_flipped_bit_is_detected` |

#![cfg_attr(feature = "fail-points", expect(clippy::print_stdout, reason = "this program talks to whoever runs it"))]
#![expect(clippy::print_stderr, reason = "this program talks to whoever runs it")]

#[cfg(feature = "fail-points")]
mod history;
#[cfg(feature = "fail-points")]
mod host;
#[cfg(feature = "fail-points")]
mod machines;
#[cfg(feature = "fail-points")]
mod model;
#[cfg(feature = "fail-points")]
mod operator;
#[cfg(feature = "fail-points")]
mod order;
#[cfg(feature = "fail-points")]
mod restore;
#[cfg(feature = "fail-points")]
mod run;
#[cfg(feature = "fail-points")]
mod steps;
#[cfg(feature = "fail-points")]
mod variants;
#[cfg(feature = "fail-points")]
mod world;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(about = "Simulates lives of a host with its operator, its clock and its kills, seed after seed")]
struct Arguments {
    /// The number of seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Seeds that run at once, each in a thread: a seed mostly waits for its disk.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// One of this many seeds runs twice, with the same result.
    #[arg(long, default_value_t = 3)]
    repeated: u64,
    /// The host is the leader of a cluster: its journal is a simulated stream, and each life may be on another node. The
    /// stream has a thread of its own, so a seed does not repeat itself exactly.
    #[arg(long)]
    stream: bool,
    /// Continues after a failed seed, and prints only the failures of each.
    #[arg(long)]
    keep_going: bool,
    /// Prints the events of each seed.
    #[arg(long)]
    log: bool,
}

/// Fails with the first failed seed, and prints its events.
fn main() -> ExitCode {
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
    anyhow::bail!("the host has nothing for the simulator compiled in: run it with `cargo xtask simulate`")
}

#[cfg(feature = "fail-points")]
#[expect(clippy::cast_precision_loss, reason = "of steps, for a rate")]
fn simulate(arguments: &Arguments) -> anyhow::Result<bool> {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};

    use run::{Figures, run};

    /// Reports the progress after this many seeds.
    const PROGRESS_EVERY: u64 = 500;

    let world = world::World::compile()?;
    // Panics are a part of the simulation: unexpected ones are reported as failures.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = std::time::Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Figures::default());
    let job = || {
        loop {
            let done = next.fetch_add(1, Ordering::Relaxed);
            if done >= arguments.seeds || (failed.load(Ordering::Relaxed) > 0 && !arguments.keep_going) {
                return;
            }
            let seed = arguments.seed + done;
            let mut result = run(&world, seed, arguments.stream);
            if done < arguments.repeated
                && !arguments.stream
                && let Ok(first) = &result
            {
                result = run(&world, seed, false).and_then(|again| first.same(again, seed));
            }
            match result {
                Ok(outcome) => {
                    total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(&outcome.figures);
                    if arguments.log {
                        outcome.log.iter().for_each(|line| println!("{line}"));
                    }
                }
                Err(failure) => {
                    failed.fetch_add(1, Ordering::Relaxed);
                    match arguments.keep_going {
                        true => println!("seed {}: {}", failure.seed, failure.wrong.join("; ")),
                        false => print!("{failure}"),
                    }
                    let stream = if arguments.stream { " --stream" } else { "" };
                    println!("again with: cargo xtask simulate --seed {} --seeds 1 --repeated 0{stream}", failure.seed);
                }
            }
            if (done + 1) % PROGRESS_EVERY == 0 {
                eprintln!("{} of {} seeds, {} s", done + 1, arguments.seeds, begin.elapsed().as_secs());
            }
        }
    };
    std::thread::scope(|scope| (0..arguments.jobs.max(1)).for_each(|_| drop(scope.spawn(job))));
    let (seconds, failed) = (begin.elapsed().as_secs_f64(), failed.into_inner());
    let total = total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{} seeds from {} on in {seconds:.1} s: {failed} wrong", arguments.seeds, arguments.seed);
    println!("{total}; {:.0} steps/s", total.steps as f64 / seconds);
    Ok(failed == 0)
}
