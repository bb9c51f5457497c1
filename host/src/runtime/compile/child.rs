//! Compiles in a separate process, so that the memory and time that a component costs the compiler are bounded, and
//! freed at its end.
//!
//! The child is the same program. It reads the component from its standard input, and writes the code to its output.

#[cfg(test)]
mod tests;

use std::io::{self, Read as _, Write as _};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::Duration;

use rustix::process::{Signal, set_parent_process_death_signal, setpriority_process};

use super::engine::{Kind, compiling_engine};
use crate::clock;
use crate::limits::{COMPILE_MEMORY_BYTES_MAX, COMPILE_PROCESSOR_TIME_MAX, COMPILE_TIME_MAX};
use crate::tasks::{CancellationToken, thread};

/// The first argument of a compiling process. No command has this name.
const ARGUMENT: &str = "compile-component";

/// This program, even if its file was replaced.
const PROGRAM: &str = "/proc/self/exe";

/// How often the parent checks the child.
const LOOK_PERIOD: Duration = Duration::from_millis(5);

/// The longest message of a child, in bytes: it fits into a pipe that nobody reads yet.
const MESSAGE_BYTES_MAX: usize = 4096;

/// The niceness of the compiler, relative to the calls that run beside it.
const NICENESS: i32 = 5;

/// Bytes of a page, the unit in which the kernel counts a process's memory.
const PAGE_BYTES: u64 = 4096;

/// Milliseconds of a tick, the unit in which the kernel tells the processor time of a process: the same on all machines.
const TICK_MS: u64 = 10;

/// How much a child may use.
struct Bounds {
    memory_bytes: u64,
    processor_time: Duration,
    time: Duration,
}

const BOUNDS: Bounds = Bounds {
    memory_bytes: COMPILE_MEMORY_BYTES_MAX,
    processor_time: COMPILE_PROCESSOR_TIME_MAX,
    time: COMPILE_TIME_MAX,
};

/// Whether this program answers to [`ARGUMENT`].
static IS_COMPILER: AtomicBool = AtomicBool::new(false);

/// Why a child returned no code.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The compiler refused the component.
    #[error("{message}")]
    Refused { message: String },
    #[error("compiling it takes more than {} MiB of memory", COMPILE_MEMORY_BYTES_MAX >> 20)]
    Memory,
    #[error("compiling it takes more than {} s of processor time", COMPILE_PROCESSOR_TIME_MAX.as_secs())]
    ProcessorTime,
    #[error("compiling it takes longer than {} s: the machine is too busy", COMPILE_TIME_MAX.as_secs())]
    Time,
    /// It was ended because nobody waits for the code any more.
    #[error("nobody waits for it any more")]
    Cancelled,
    #[error("the compiler ended without an answer: {status}")]
    Died { status: ExitStatus },
    #[error("the compiler cannot be run")]
    Io(#[from] io::Error),
}

/// Compiles if this process was started for that. Otherwise returns `None`, and from then on components are compiled in
/// separate processes. Call this in the first line of a program.
#[expect(clippy::print_stderr, reason = "the parent reads it")]
pub fn run_compiler() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_none_or(|argument| argument != ARGUMENT) {
        IS_COMPILER.store(true, Ordering::Relaxed);
        return None;
    }
    let kind = if arguments.next().is_some_and(|kind| kind == Kind::Http.name()) { Kind::Http } else { Kind::Domain };
    Some(match compile_input(kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message: String = format!("{error:#}").chars().take(MESSAGE_BYTES_MAX / 4).collect();
            eprint!("{message}");
            ExitCode::FAILURE
        }
    })
}

fn compile_input(kind: Kind) -> wasmtime::Result<()> {
    // It must not outlive the host. Its lower priority is not essential.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let _courtesy = setpriority_process(None, NICENESS);
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component)?;
    let code = compiling_engine(kind)?.precompile_component(&component)?;
    io::stdout().lock().write_all(&code)?;
    Ok(())
}

/// Whether components are compiled in separate processes.
pub(super) fn has_compiler() -> bool {
    IS_COMPILER.load(Ordering::Relaxed)
}

/// The code of `component`. Blocks its thread until it is there, or until `cancellation`.
pub(super) fn compile(kind: Kind, component: &[u8], cancellation: &CancellationToken) -> Result<Vec<u8>, ChildError> {
    let mut command = Command::new(PROGRAM);
    command.args([ARGUMENT, kind.name()]).env_clear();
    run(command, component, &BOUNDS, cancellation)
}

/// The output of `command` for `input`. After an error the child is gone.
fn run(
    mut command: Command,
    input: &[u8],
    bounds: &Bounds,
    cancellation: &CancellationToken,
) -> Result<Vec<u8>, ChildError> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut child = Killed(child);
    let mut output = child.0.stdout.take().ok_or_else(no_pipe)?;
    let reader = thread(
        "compiled code",
        move || {
            let mut code = Vec::new();
            output.read_to_end(&mut code).map(|_| code)
        },
        |_| {},
    )?;
    // If the child has ended, the reason is found below.
    let _gone = child.0.stdin.take().ok_or_else(no_pipe)?.write_all(input);
    let status = wait(&mut child.0, bounds, cancellation)?;
    let code = reader.join().map_err(io::Error::other)??;
    if status.success() {
        return Ok(code);
    }
    let mut message = String::new();
    child.0.stderr.take().ok_or_else(no_pipe)?.read_to_string(&mut message)?;
    Err(match message.is_empty() {
        false => ChildError::Refused { message },
        true => ChildError::Died { status },
    })
}

fn no_pipe() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// Waits for the end of `child`. The error says why it must be killed: it is over a bound, or nobody waits for it.
fn wait(child: &mut Child, bounds: &Bounds, cancellation: &CancellationToken) -> Result<ExitStatus, ChildError> {
    let began = clock::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if cancellation.is_cancelled() {
            tracing::info!(child = child.id(), "the compiler was ended: nobody waits for the component any more");
            return Err(ChildError::Cancelled);
        }
        if resident_bytes(child.id()) > bounds.memory_bytes {
            return Err(ChildError::Memory);
        }
        if processor_time(child.id()) > bounds.processor_time {
            return Err(ChildError::ProcessorTime);
        }
        if clock::elapsed(began) > bounds.time {
            return Err(ChildError::Time);
        }
        park_timeout(LOOK_PERIOD);
    }
}

/// 0 for a process that has ended.
fn resident_bytes(process: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let resident = pages.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    resident.unwrap_or_default() * PAGE_BYTES
}

/// The processor time of all threads; none for a process that has ended.
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program may contain spaces and parentheses. Behind it, `utime` and `stime` are the 12th and 13th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks.saturating_mul(TICK_MS))
}

/// A child that is killed when this is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended before.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}
