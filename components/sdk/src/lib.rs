//! The library for authors of components in Rust: a typed store over serde, problems with statuses, money, ids, time,
//! paging and the caller's identity.
//!
//! Everything compiles natively too, where [`native`] replaces the host, so that you can test a component with plain
//! `cargo test`. `docs/sdk.md` explains how to build a component.

#[doc(hidden)]
#[allow(unsafe_code, unreachable_pub, missing_debug_implementations, reason = "generated")]
pub mod bindings;

pub mod caller;
pub mod country;
mod host;
pub mod id;
pub mod migration;
pub mod money;
#[cfg(not(target_family = "wasm"))]
pub mod native;
pub mod paging;
pub mod problem;
pub mod state;
pub mod store;
pub mod time;

pub use bindings::shop::types::types;
pub use country::Country;
pub use money::{Currency, Money};
pub use problem::Faults;
pub use time::Timestamp;
pub use types::Problem;
