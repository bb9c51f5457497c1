//! The operator's side: an HTTP API of its own, on a listener of its own, behind the admin token.
//!
//! Health, readiness and metrics need no token: what probes a host should hold no key to it.

mod authorize;
mod error;
mod handlers;
mod options;
mod request;
mod response;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod token_file;

pub use server::{Admin, AdminStartError};
pub use token_file::{TOKEN_FILE, TokenFileError, kept_or_new};
