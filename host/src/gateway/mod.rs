//! The public HTTP front: from requests to calls, and from what they answer back to HTTP.
//!
//! [`serve`] is the machinery of connections, which the operator's side uses with a handler of its own. [`Gateway`] is
//! the public handler. `problem` alone knows which status an error has.

mod accept;
mod access;
mod activity;
mod assets;
mod body;
mod callee;
mod client;
mod compress;
mod conditions;
mod connection;
mod cors;
mod document;
mod errors;
mod front;
mod handle;
mod head;
mod ids;
mod intake;
mod listener;
mod operate;
mod operation;
mod problem;
mod rates;
mod refusal;
mod routes;
mod server;
mod surface;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod traceparent;
mod transport;
mod weights;

pub use body::{Body, BodyError};
pub use callee::Callee;
pub use client::{Client, ClientKey};
pub use errors::ErrorShape;
pub use front::{Gateway, GatewayError};
pub use intake::{IncomingBody, IncomingError};
pub use listener::Listener;
pub use problem::Problem;
pub use refusal::{Fault, Refusal};
pub use routes::RouteError;
pub use server::{Handler, ServerSettings, serve};
pub use text::{TextError, query_pairs};
pub use tls::{TlsError, server as tls_server};
