//! Switchyard: one host that runs services as sandboxed WebAssembly components over their own transactional stores.
//!
//! The modules stand lowest first; one may use only those above it in this list.

pub mod admin;
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod events;
pub mod gateway;
pub mod journal;
pub mod limits;
pub mod names;
pub mod observe;
pub mod platform;
pub mod release;
pub mod runtime;
pub mod store;
pub mod tasks;
pub mod value;
