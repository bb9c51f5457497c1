//! Data with versions: what a component exports beside its contract, so that the host knows which version its data has,
//! and has the data of the release before migrated when it is deployed.
//!
//! ```
//! use switchyard_sdk::migration::{Data, Migration};
//!
//! struct Component;
//!
//! impl Migration for Component {
//!     fn describe() -> Data {
//!         Data { version: 1, reads_up_to: 1, pause_ms_max: 200 }
//!     }
//!
//!     fn migrate(_from: u32) -> Result<(), String> {
//!         // Whatever brings the entries of version `_from` to version 1.
//!         Ok(())
//!     }
//! }
//!
//! #[cfg(target_family = "wasm")]
//! switchyard_sdk::migration::export!(Component);
//! # fn main() {}
//! ```

pub use crate::bindings::migrating::exports::switchyard::service::migration::{Data, Guest as Migration};

/// Exports the [`Migration`] of a type. A component has one such line, where it exports its contract: in `bindings.rs`,
/// for Wasm alone.
#[doc(inline)]
pub use crate::bindings::migrating::export_migration as export;
