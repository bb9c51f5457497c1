//! The client of the operator's HTTP API: which host, what is sent, what it answers.

pub(super) mod documents;
#[cfg(test)]
pub(super) mod fake_host;
pub(super) mod http;
pub(super) mod request;
pub(super) mod target;
pub(super) mod upload;
