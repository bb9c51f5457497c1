//! Runs calls: each is one run of an exported function in a fresh instance, and one transaction on its service's store.
//!
//! The engine declares in [`root::Persistence`] what must be persisted; it does not know how.

pub(super) mod answer;
pub(super) mod authentication;
pub(super) mod call;
mod commit;
pub(super) mod exclusive;
mod failure;
pub(super) mod mounted;
pub(super) mod nested;
mod record;
pub(super) mod rehearsal;
mod reuse;
pub(super) mod root;
mod run;
pub(super) mod seed;
mod shadow;
pub(super) mod spans;
mod turns;
