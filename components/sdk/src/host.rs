//! All access to the host: its interfaces on Wasm, [`crate::native`] elsewhere.

#[cfg(target_family = "wasm")]
mod wasm {
    pub(crate) use crate::bindings::switchyard::service::caller::{calling_service, current as current_identity};
    pub(crate) use crate::bindings::switchyard::service::store::{delete, get, scan, set};

    /// The wall clock of the root call, in microseconds since 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the component's clock: the host fixes it for a call")]
    pub(crate) fn unix_micros() -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.ok().and_then(|since| u64::try_from(since.as_micros()).ok()).unwrap_or(0)
    }

    pub(crate) fn fill_random(bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the host always has random numbers");
    }
}

#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::native::{calling_service, current_identity, delete, fill_random, get, scan, set, unix_micros};
