//! A simulator of operators, clocks and kills: the real stores, calls and events of a host in one thread, on a simulated
//! disk and in virtual time, as a seed says.
//!
//! A seed gives lives of a host. In each life clients send requests, an operator makes changes and the clock steps; then
//! the host stops, is killed, or loses its power, and the next life begins on what the disk has kept. A model knows what
//! was acknowledged, and what must be true in the end:
//!
//! - A request that was acknowledged has its effects after every kill, in all services that it reached, and once.
//! - An event is delivered once to its subscriber, and so is what the handler did elsewhere.
//! - Nothing is blocked for ever: within hours of virtual time every call and every delivery has ended.
//!
//! # What finds which fault
//!
//! | a fault put back | found by |
//! |---|---|
//! | a commit leaves out the answer to its request | simulator: the effect of a key is there twice |
//! | a commit leaves out the cursor of a subscription | simulator: an event is handled twice |
//! | an answer leaves before its commit is durable | simulator: an acknowledged effect is gone after a kill |
//! | a memo is deleted while its call may run again | simulator, by a clock that jumps: a nested effect is there twice |

mod host;
mod model;
mod run;
mod steps;
mod world;

#[cfg(test)]
mod tests;

pub use run::{Failure, Figures, run};
pub use world::World;
