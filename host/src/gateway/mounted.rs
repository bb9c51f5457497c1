//! Requests to mounted services, which handle HTTP themselves: who their caller is, how large their body may be, and
//! which path they see.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response};

use super::callee::Callee;
use super::frontend::Gateway;
use super::handle::RequestContext;
use crate::call::{HttpCaller, Mount};
use crate::gateway::request::body::{BodyLimits, IncomingBody, RequestBody};
use crate::gateway::response::body::Body;
use crate::gateway::response::refusal::Refusal;
use crate::names::Identity;
use crate::observe::calls::Outcome;

/// In the extensions of a request that was sent to an earlier leader of the cluster, which may have run it.
#[derive(Debug, Clone, Copy)]
pub struct Repeated;

/// The prefix that was stripped from the path.
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

impl<C: Callee> Gateway<C> {
    /// A mounted service gets the request as its client sent it, and the identity of its caller.
    pub(super) async fn mounted(
        &self,
        mount: &Mount,
        context: &RequestContext<'_>,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, Refusal> {
        // The host does not know what such a service does with a key, so it does not run the request twice.
        if context.parts.extensions.get::<Repeated>().is_some() && !context.parts.method.is_safe() {
            return Err(Refusal::MaybeDone);
        }
        let only_reads = context.only_reads;
        if only_reads && !body.is_absent() {
            // Its body could not be read again.
            return Err(Refusal::OnlyReads);
        }
        let identity = self.identify_for_mounted(context).await?;
        let time_max = Duration::from_millis(mount.stream_ms_max);
        let limits = BodyLimits { bytes_max: mount.body_bytes_max, time_max };
        let body = if only_reads { Some(IncomingBody::empty()) } else { body.take_stream(limits)? };
        let Some(body) = body else { return Err(Refusal::NoRoute) };
        let mut parts = context.parts.clone();
        // Only the host says what it has stripped.
        parts.headers.remove(X_FORWARDED_PREFIX);
        if mount.strip_prefix {
            strip_prefix(&mut parts, mount, context.path)?;
        }
        let (request, caller) =
            (Request::from_parts(parts, body), HttpCaller { request: context.id.clone(), identity, only_reads });
        let mut span = context.span.child("mounted");
        let served = self.calls.serve(&mount.service, request, caller, context.routing, context.origin()).await;
        span.describe(|details| {
            details.text("switchyard.service", mount.service.to_string());
            details.end(match &served {
                Ok(response) if response.status().is_client_error() => Outcome::Refused,
                Ok(response) if response.status().is_server_error() => Outcome::Failed,
                Ok(_) => Outcome::Ok,
                Err(error) => error.outcome(&mount.service),
            });
        });
        Ok(served?)
    }

    /// The caller, as for routes of contracts. If no contract authenticates, or the credentials are no bearer token, they
    /// are a matter of the component.
    async fn identify_for_mounted(&self, context: &RequestContext<'_>) -> Result<Option<Identity>, Refusal> {
        match context.routing.authenticates() && context.head.has_bearer() {
            true => self.identify(context).await,
            false => Ok(None),
        }
    }
}

/// Takes the prefix of `mount` from the path of a request. `path` is the normalized path, which begins with the prefix.
fn strip_prefix(parts: &mut Parts, mount: &Mount, path: &str) -> Result<(), Refusal> {
    let malformed = Refusal::Malformed { what: "The path is malformed." };
    let rest = path.strip_prefix(mount.prefix.as_str()).unwrap_or(path);
    let rest = if rest.is_empty() { "/" } else { rest };
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut uri = parts.uri.clone().into_parts();
    let Ok(stripped) = PathAndQuery::try_from(format!("{rest}{query}")) else { return Err(malformed) };
    uri.path_and_query = Some(stripped);
    parts.uri = hyper::Uri::from_parts(uri).map_err(|_| malformed)?;
    if let Ok(prefix) = HeaderValue::from_str(&mount.prefix)
        && !mount.prefix.is_empty()
    {
        parts.headers.insert(X_FORWARDED_PREFIX, prefix);
    }
    Ok(())
}
