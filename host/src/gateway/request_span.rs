//! The span of a request, described as OpenTelemetry describes those of HTTP servers.
//!
//! Invariant: like the access log, it has nothing that a client may want to keep secret. It has no `url.path`, since an id
//! in a path may be the only protection of its resource.

use hyper::http::request::Parts;
use hyper::{Method, Response, Version};

use crate::gateway::connections::client::Client;
use crate::gateway::request::head::Head;
use crate::gateway::response::body::Body;
use crate::names::RequestId;
use crate::observe::traces::{ClientSpan, Span, SpanContext, Tracer};

/// The name of a method that is none of the known ones, as the conventions demand.
const OTHER: &str = "_OTHER";

/// Begins the span of the request with this head, below the span that its client names. Only trusted proxies may say
/// whether it is recorded.
pub(super) fn begin(tracer: &Tracer, parts: &Parts, head: &Head<'_>, client: &Client, scheme: &'static str) -> Span {
    let mut span = tracer.request(|| {
        let parent = head.trace()?;
        let context = SpanContext::parse(parent.trace, parent.span)?;
        Some(ClientSpan { context, is_sampled: client.is_behind_proxy.then_some(parent.is_sampled) })
    });
    span.describe(|details| {
        let method = known(&parts.method);
        details.rename(if method == OTHER { "HTTP" } else { method });
        details.text("http.request.method", method);
        details.text("url.scheme", scheme);
        details.text("network.protocol.version", version(parts.version));
    });
    span
}

/// Adds the answer. `route` is the pattern that matched, if one did.
pub(super) fn end(span: &mut Span, parts: &Parts, route: Option<&str>, id: &RequestId, response: &Response<Body>) {
    span.describe(|details| {
        let (method, status) = (known(&parts.method), response.status());
        if let Some(route) = route {
            let name = if method == OTHER { "HTTP" } else { method };
            details.rename(format!("{name} {route}"));
            details.text("http.route", route.to_owned());
        }
        details.number("http.response.status_code", u64::from(status.as_u16()));
        details.text("switchyard.request", id.as_str().to_owned());
        // An error of the client is none of the server.
        if status.is_server_error() {
            details.fail(status.as_str().to_owned());
        }
    });
}

/// The known methods are those of RFC 9110 and RFC 5789.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER,
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}
