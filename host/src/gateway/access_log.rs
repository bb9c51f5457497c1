//! The access log: one line for each request.
//!
//! Invariant: it contains nothing that a client may want to keep secret. It has no query and no header values except
//! the ids of requests and traces. For an operation it has the pattern of the route instead of the path, since an id in
//! a path may be the only protection of its resource.

use std::borrow::Cow;
use std::time::Duration;

use hyper::body::Body as _;
use hyper::{Method, Response};

use crate::gateway::connections::client::Client;
use crate::gateway::response::body::Body;
use crate::names::RequestId;

/// In the extensions of a response whose call did not run, because the answer of an earlier one was still true.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reused;

/// The parts of a request that are logged.
#[derive(Debug)]
pub(super) struct Access<'a> {
    pub(super) method: &'a Method,
    pub(super) route: &'a str,
    pub(super) client: Client,
    pub(super) request: &'a RequestId,
    /// The trace of the request: that of its client, or the one that the host records.
    pub(super) trace: Option<Cow<'a, str>>,
}

impl Access<'_> {
    /// Writes the line for `response`, which is sent next, `took` after the head of the request arrived.
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
            trace = self.trace.as_deref(),
            reused = response.extensions().get::<Reused>().map(|_| true),
        );
    }
}
