//! What the author of a component in Rust uses: a typed store over serde, problems with statuses, money, ids, time,
//! paging and the caller's identity.
//!
//! Everything compiles natively too, where [`native`] stands in for the host, so that a component is tested with
//! plain `cargo test`. How a component is put together is in `docs/sdk.md`.

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
pub mod store;
pub mod time;

pub use bindings::shop::types::types;
pub use country::Country;
pub use money::{Currency, Money};
pub use problem::Faults;
pub use time::Timestamp;
pub use types::Problem;
