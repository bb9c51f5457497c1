//! `http-error-code` of `wasi:http/types` 0.2, for the errors of a request's body.
//!
//! The library keeps such an error in a type that its own function does not recognize, so a guest could not learn that
//! the body was too large.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, IoError};
use wasmtime_wasi_http::{Error, WasiHttpView};

/// The name under which the library defines the interface. A test notices when it changes.
const TYPES: &str = "wasi:http/types@0.2.12";

/// Replaces the function.
pub(super) fn add_to_linker<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let replaced = linker.instance(TYPES)?.func_wrap(
        "http-error-code",
        |mut store: StoreContextMut<'_, T>, (error,): (Resource<IoError>,)| {
            let error = store.data_mut().http().table.get(&error)?;
            let own = error.downcast_ref::<ErrorCode>().cloned();
            Ok((own.or_else(|| error.downcast_ref().and_then(code)),))
        },
    );
    linker.allow_shadowing(false);
    replaced
}

/// The code of an error of a request's body.
fn code(error: &Error) -> Option<ErrorCode> {
    match error {
        Error::HttpRequestBodySize(bytes) => Some(ErrorCode::HttpRequestBodySize(*bytes)),
        Error::ConnectionReadTimeout => Some(ErrorCode::ConnectionReadTimeout),
        Error::InternalError(text) => Some(ErrorCode::InternalError(text.clone())),
        _ => None,
    }
}
