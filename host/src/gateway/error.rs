//! Why the public API of a host cannot be served.

use std::io;
use std::path::PathBuf;

use crate::gateway::connections::tls::TlsError;
use crate::gateway::operations::routes::RouteError;

/// Why the public API cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error("the route of {function} names a parameter that it does not have")]
    Parameter { function: String },
    #[error("the OpenAPI document cannot be written")]
    Openapi { source: serde_json::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("set both gateway.tls_certificate and gateway.tls_key, or neither")]
    HalfTls,
    #[error("gateway.assets: {path} is not a readable folder")]
    Assets { path: PathBuf, source: io::Error },
    #[error("the system provides no random numbers")]
    Random(#[from] getrandom::Error),
}
