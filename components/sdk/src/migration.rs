//! The format and the version of a component's data: what it exports beside its contract, so that the host knows which
//! components can read the data, and has the data of an earlier release migrated when a new one is deployed.
//!
//! Data without versions needs one line in `bindings.rs`. The format is the name of the crate, or the name that you give:
//!
//! ```
//! struct Component;
//! struct Ledger;
//!
//! switchyard_sdk::data_format!(Component);
//! # mod other {
//! # use super::Ledger;
//! switchyard_sdk::data_format!(Ledger, "acme/stock-ledger");
//! # }
//! # fn main() {}
//! ```
//!
//! A component whose data has versions implements [`Migration`] instead:
//!
//! ```
//! use switchyard_sdk::migration::{Data, Migration};
//!
//! struct Component;
//!
//! impl Migration for Component {
//!     fn describe() -> Data {
//!         Data { format: "greeting".into(), version: 1, reads_up_to: 1, pause_ms_max: 200 }
//!     }
//!
//!     fn migrate(_from: u32) -> Result<(), String> {
//!         // Bring the entries of version `_from` to version 1.
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

/// Says that the data of a component has the format that is named, or that of its crate's name, and no versions yet.
#[macro_export]
macro_rules! data_format {
    ($component:ident) => {
        $crate::data_format!($component, env!("CARGO_PKG_NAME"));
    };
    ($component:ident, $format:expr) => {
        impl $crate::migration::Migration for $component {
            fn describe() -> $crate::migration::Data {
                $crate::migration::without_versions($format)
            }

            fn migrate(from: u32) -> ::core::result::Result<(), ::std::string::String> {
                $crate::migration::refuse(from)
            }
        }

        #[cfg(target_family = "wasm")]
        $crate::migration::export!($component);
    };
}

/// The version that a build writes which is made to try migrations with: data of such a build is as that of any other.
const REHEARSED: Option<u32> = match (cfg!(feature = "data-version-1"), cfg!(feature = "data-version-2")) {
    (_, true) => Some(2),
    (true, _) => Some(1),
    _ => None,
};

/// Longest pause of the migration of such a build, in milliseconds.
const REHEARSED_PAUSE_MS: u32 = 3_000;

#[doc(hidden)]
#[must_use]
pub fn without_versions(format: &str) -> Data {
    let format = format.into();
    match REHEARSED {
        None => Data { format, version: 0, reads_up_to: 0, pause_ms_max: 0 },
        Some(version) => Data { format, version, reads_up_to: 2, pause_ms_max: REHEARSED_PAUSE_MS },
    }
}

#[doc(hidden)]
pub fn refuse(from: u32) -> Result<(), String> {
    match REHEARSED {
        None => Err(format!("its data has no versions, and the host asks for a migration from version {from}")),
        Some(version) => {
            // It writes something, so that a migration that is half there shows.
            crate::store::set("data-version", &version);
            Ok(())
        }
    }
}
