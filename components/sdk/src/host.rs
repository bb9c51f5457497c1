//! All access to the host: its interfaces on Wasm, [`crate::native`] elsewhere.

#[cfg(target_family = "wasm")]
mod wasm {
    pub(crate) use crate::bindings::switchyard::service::caller::{calling_service, current as current_identity};
    pub(crate) use crate::bindings::switchyard::service::store::{delete, get, scan, set};

    /// The time of the root call, in microseconds since 1970.
    pub(crate) fn unix_micros() -> u64 {
        crate::bindings::switchyard::service::call::now()
    }

    pub(crate) fn new_id(prefix: &str) -> String {
        crate::bindings::switchyard::service::call::new_id(prefix)
    }

    pub(crate) fn random_bytes(count: u32) -> Vec<u8> {
        crate::bindings::switchyard::service::call::random_bytes(count)
    }
}

#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::native::{
    calling_service, current_identity, delete, get, new_id, random_bytes, scan, set, unix_micros,
};
