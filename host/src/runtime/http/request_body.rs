//! The body of a request, as a guest reads it.

use std::convert::Infallible;
use std::error::Error;

use wasmtime_wasi_http::Error as HttpError;

/// Why the body of a request ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum RequestBodyError {
    #[error("the body of the request is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the body of the request did not arrive in time")]
    Slow,
    #[error("the body of the request broke off")]
    BrokeOff { source: Box<dyn Error + Send + Sync> },
}

impl From<Infallible> for RequestBodyError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl RequestBodyError {
    /// The error that the guest sees.
    pub(super) fn for_guest(self) -> HttpError {
        match self {
            Self::TooLarge { bytes_max } => HttpError::HttpRequestBodySize(u64::try_from(bytes_max).ok()),
            Self::Slow => HttpError::ConnectionReadTimeout,
            Self::BrokeOff { source } => HttpError::InternalError(Some(source.to_string())),
        }
    }
}
