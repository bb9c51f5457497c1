//! The `switchyard` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    switchyard::runtime::run_compiler().unwrap_or_else(switchyard::cli::run)
}
