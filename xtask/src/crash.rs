//! `cargo xtask crash`: kills the host under load, and checks the remaining data.

use crate::step::{Step, target};
use crate::{nats, wasm};

/// The ways to break the host on purpose that kills make visible, each of which the crash test must find.
const SABOTAGES: [&str; 3] = ["answer-before-sync", "memo-apart", "position-apart"];

/// Those that faults of a cluster make visible.
const SABOTAGES_OF_A_CLUSTER: [&str; 4] =
    ["answer-before-ack", "no-fence", "reads-without-number", "number-without-lease"];

/// How often each service moves to its other implementation and back in every test run: half a minute.
const HANDOVERS: &str = "20";

/// The number of simulator seeds in every test run.
const SEEDS: &str = "300";

/// Those whose journal is a stream.
const STREAM_SEEDS: &str = "100";

/// Builds the shop and a host with fail points, and runs the crash test with `options`.
pub(crate) fn run(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_data_versions()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    if options.iter().any(|option| option == "--cluster") {
        nats::install()?;
    }
    build()?;
    crash("the crash test", &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Builds the guests and a host with fail points, and runs the simulator with `options`.
pub(crate) fn simulate(options: &[String]) -> anyhow::Result<()> {
    wasm::add_target()?;
    wasm::build_guests()?;
    build()?;
    program("simulator", "the simulator", &options.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A few rounds, a few handovers without a kill, each step of a handover, and a test of the test: it must find each deliberate fault.
pub(crate) fn short() -> anyhow::Result<()> {
    wasm::build_data_versions()?;
    wasm::build_shop()?;
    wasm::build_alternatives()?;
    build()?;
    // Whether a seed repeats itself is for a quiet machine: here two runs may take turns differently.
    program("simulator", "the simulator, a few seeds", &["--seeds", SEEDS, "--repeated", "0"])?;
    program("simulator", "the simulator of a cluster, a few seeds", &["--seeds", STREAM_SEEDS, "--stream"])?;
    crash("the crash test, a few rounds", &["--rounds", "8", "--seed", "1"])?;
    crash("handovers of each service under load, there and back", &["--handovers", HANDOVERS, "--seed", "1"])?;
    crash("the crash test, each step of a handover", &["--steps", "--seed", "1"])?;
    let forgets = ["--handovers", "1", "--seed", "1", "--sabotage", "mirror-forgets"];
    crash("handovers of a host that is broken: mirror-forgets", &forgets)?;
    for sabotage in SABOTAGES {
        let options = ["--rounds", "8", "--seed", "1", "--sabotage", sabotage];
        crash(&format!("the crash test of a host that is broken: {sabotage}"), &options)?;
    }
    // Without a NATS server these say so, and do nothing.
    crash("the crash test of a cluster, each fault once", &["--cluster", "--rounds", "3", "--seed", "1"])?;
    for sabotage in SABOTAGES_OF_A_CLUSTER {
        let options = ["--cluster", "--rounds", "3", "--seed", "1", "--sabotage", sabotage];
        crash(&format!("the crash test of a cluster that is broken: {sabotage}"), &options)?;
    }
    Ok(())
}

fn build() -> anyhow::Result<()> {
    // Builds the whole workspace, so that the host's dependencies have the same features as in the tests.
    let programs = ["--bin", "crash", "--bin", "simulator", "--features", "crash/fail-points,simulator/fail-points"];
    let arguments: Vec<_> = ["build", "--release", "--workspace"].into_iter().chain(programs).collect();
    Step::cargo("a host with fail points", &arguments).run()
}

fn crash(heading: &str, options: &[&str]) -> anyhow::Result<()> {
    program("crash", heading, options)
}

fn program(name: &str, heading: &str, options: &[&str]) -> anyhow::Result<()> {
    let program = target().join("release").join(name);
    Step { program: &program.to_string_lossy(), ..Step::cargo(heading, options) }.run()
}
