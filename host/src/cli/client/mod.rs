//! The client of the operator API: its target host, requests and answers.

mod connect_error;
mod connection;
pub(super) mod documents;
#[cfg(test)]
pub(super) mod fake_host;
pub(super) mod http;
pub(super) mod request;
pub(super) mod target;
mod trust;
pub(super) mod upload;
