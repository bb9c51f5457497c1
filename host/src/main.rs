//! The `switchyard` program.

use std::process::ExitCode;

use switchyard::tasks::set_give_back_memory;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    set_give_back_memory(give_back_memory);
    switchyard::runtime::run_compiler().unwrap_or_else(switchyard::cli::run)
}

/// The allocator does this by itself when it is used again, which on a quiet host is late.
#[expect(unsafe_code, reason = "the allocator has no safe function for it")]
fn give_back_memory() {
    // SAFETY: it takes no arguments of ours, and touches only memory that is free.
    unsafe { libmimalloc_sys::mi_collect(true) };
}
