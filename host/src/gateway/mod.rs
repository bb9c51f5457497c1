//! The public HTTP front: turns requests into calls, and their results into HTTP answers.
//!
//! [`serve`] handles connections; the operator API uses it with its own handler. [`Gateway`] is the public handler.
//! Only `response::status` knows which status an error has.

mod access_log;
mod assets;
mod callee;
mod connections;
mod error;
mod frontend;
mod handle;
mod mounted;
mod operate;
mod operations;
mod request;
mod request_span;
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
pub use frontend::{Gateway, public_listener};
pub use handle::ReadKind;
pub use mounted::Repeated;
pub use operations::routes::RouteError;
pub use request::body::{BodyCopy, IncomingBody};
pub use request::head::{check_message, is_json};
pub use request::percent_encoding::{TextError, decode_segment, normalize_path, query_pairs};
pub use response::body::{Body, BodyError};
pub use response::error_shape::ErrorShape;
pub use response::fault::Fault;
pub use response::problem::Problem;
pub use response::refusal::Refusal;
