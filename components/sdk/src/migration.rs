//! Data with versions: an export of a component in addition to its contract. It tells the host the version of the
//! component's data, and migrates the data of the earlier release during a deploy.
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

/// Exports the [`Migration`] of a type. A component has one such line, next to the export of its contract: in
/// `bindings.rs`, only for Wasm.
#[doc(inline)]
pub use crate::bindings::migrating::export_migration as export;
