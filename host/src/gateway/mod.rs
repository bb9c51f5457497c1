//! The public HTTP front: from requests to calls, and from what they answer back to HTTP.
//!
//! [`serve`] is the machinery of connections, which the operator's side uses with a handler of its own. [`Gateway`] is
//! the public handler. `response::status` alone knows which status an error has.

mod access_log;
mod assets;
mod callee;
mod connections;
mod error;
mod frontend;
mod handle;
mod operate;
mod operations;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use callee::Callee;
pub use connections::client::{Client, ClientKey, ConnectionTrust};
pub use connections::handler::{Handler, ServerSettings, UnauthenticatedLimits};
pub use connections::listener::Listener;
pub use connections::proxies::TrustedProxies;
pub use connections::server::serve;
pub use connections::tls::{Certificate, TlsError};
pub use error::GatewayError;
pub use frontend::Gateway;
pub use operations::routes::RouteError;
pub use request::body::{IncomingBody, IncomingError};
pub use request::head::{check_message, is_json};
pub use request::percent_encoding::{TextError, decode_segment, normalize_path, query_pairs};
pub use response::body::{Body, BodyError};
pub use response::error_shape::ErrorShape;
pub use response::fault::Fault;
pub use response::problem::Problem;
pub use response::refusal::Refusal;
