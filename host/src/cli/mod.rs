//! The command line: one file per command. An error says what to do next, and the exit code says what kind it is.

mod arguments;
mod call;
mod check;
mod client;
mod completions;
mod config;
mod failure;
mod output;
mod status;
mod target;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use failure::Failure;

/// Reads the command line of this process, runs its command and gives the process's exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::error(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(up) => up::run(up),
        Command::Check(check) => check::run(&check),
        Command::Status(status) => status::run(&status),
        Command::Call(call) => call::run(&call),
        Command::Config(config) => config::run(&config),
        Command::Completions { shell } => completions::run(shell),
    }
}
