//! The interfaces that the host offers to a component: one file per group of WIT interfaces, always the same shape. The
//! state of one instance, a view that is borrowed for one call, the generated trait on the view, and `add_to_linker`.

// Before the files that use its macro.
#[macro_use]
mod linking;

mod bindings;
mod bucket;
pub(super) mod call;
pub(super) mod caller;
pub(super) mod clocks;
pub(super) mod config;
pub(super) mod environment;
pub(super) mod http;
pub(super) mod keyvalue;
pub(super) mod output;
pub(super) mod random;
pub(super) mod refused;
pub(super) mod store;
mod transaction;

pub(super) use clocks::Time;
pub(super) use http::Http;
pub(super) use random::{HashSeed, Random};
pub(super) use transaction::{SharedTransaction, TransactionRef};
