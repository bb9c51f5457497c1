//! The `switchyard` program, for tests that run it as a process of its own: as a program of this package it is built
//! before them, and is never an old one.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchyard::cli::run()
}
