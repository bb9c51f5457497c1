//! The access log: one line for each request.
//!
//! Invariant: nothing that a client could mean to keep to itself is in it. No header values but ids of requests and
//! traces, no query, and of an operation the pattern of its route instead of its path, since an id in a path may be
//! all that protects what it names.

use std::time::Duration;

use hyper::body::Body as _;
use hyper::{Method, Response};

use crate::gateway::connections::client::Client;
use crate::gateway::request::traceparent::TraceParent;
use crate::gateway::response::body::Body;
use crate::names::RequestId;

/// What of a request is logged.
#[derive(Debug)]
pub(super) struct Access<'a> {
    pub(super) method: &'a Method,
    pub(super) route: &'a str,
    pub(super) client: Client,
    pub(super) request: &'a RequestId,
    pub(super) trace: Option<TraceParent<'a>>,
}

impl Access<'_> {
    /// Writes the line: `response` is sent next, `took` after the head of its request was there.
    pub(super) fn log(&self, response: &Response<Body>, took: Duration) {
        tracing::info!(
            target: "switchyard::access",
            method = self.method.as_str(),
            route = self.route,
            status = response.status().as_u16(),
            bytes = response.body().size_hint().exact(),
            micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            client = %self.client.address.ip(),
            request = self.request.as_str(),
            trace = self.trace.map(|trace| trace.trace),
        );
    }
}
