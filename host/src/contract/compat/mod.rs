//! Compatibility: what a candidate changes for the callers and the callees of its service.
//!
//! The contract says what a component must have. This module lists the differences from the live release, and the
//! services that they affect. It uses nothing but the components themselves.

mod change;
mod compatibility;
mod display;
mod neighbours;

pub use change::Bump;
pub use compatibility::{Break, Compatibility, Level};
pub use neighbours::Neighbour;
