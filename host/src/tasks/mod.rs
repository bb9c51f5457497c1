//! Tasks and threads: no other part spawns any. Each has a name; a panic is logged, counted and reported by `/readyz`.
//!
//! Work that must continue is supervised: it is restarted with a growing delay after a panic or an unexpected end.

mod backoff;
mod blocking;
mod cancellation;
mod free_memory;
mod group;
mod low_priority_threads;
mod outages;
mod panics;
mod stop;
mod supervisor;
#[cfg(test)]
mod tests;
mod thread;

pub use blocking::{blocking, blocking_future, both};
pub use cancellation::{CancellationToken, DropGuard};
pub use free_memory::{give_back_memory, set_give_back_memory};
pub use group::Tasks;
pub use low_priority_threads::LowPriorityThreads;
pub use outages::{Outage, Outages};
pub use panics::Panicked;
pub use stop::Stop;
pub use supervisor::Lifetime;
pub use thread::{Thread, restarting_thread, thread};
