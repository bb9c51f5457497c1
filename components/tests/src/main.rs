//! The `switchyard` program, for tests that run it as a separate process. As a program of this package it is built
//! before the tests, and is always current.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchyard::cli::run()
}
