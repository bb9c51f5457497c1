//! Handles a request: finds its target by its path, and adds the headers that every answer has.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use tracing::Instrument as _;

use super::access_log::Access;
use super::assets;
use super::callee::Callee;
use super::frontend::Gateway;
use super::request_span;
use crate::call::{CallError, Origin, Routing};
use crate::clock;
use crate::gateway::connections::client::Client;
use crate::gateway::connections::handler::Handler;
use crate::gateway::operations::public_api::PublicApi;
use crate::gateway::operations::routes::RouteMatch;
use crate::gateway::request::body::RequestBody;
use crate::gateway::request::head::Head;
use crate::gateway::request::percent_encoding::normalize_path;
use crate::gateway::response::body::Body;
use crate::gateway::response::cors::is_preflight;
use crate::gateway::response::problem::Problem;
use crate::gateway::response::refusal::Refusal;
use crate::names::RequestId;
use crate::observe::LogLimit;
use crate::observe::gateway::RouteMetrics;
use crate::observe::traces::ParentSpan;

/// The path of the description of the API.
const OPENAPI: &str = "/openapi.json";
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const ALLOW_READS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ALLOW_ALL: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// A request without its body, while it is handled.
#[derive(Debug)]
pub(super) struct RequestContext<'a> {
    pub(super) parts: &'a Parts,
    pub(super) head: &'a Head<'a>,
    /// Normalized.
    pub(super) path: &'a str,
    pub(super) id: &'a RequestId,
    pub(super) client: Client,
    /// The routing that its calls use, with the matching routes.
    pub(super) routing: &'a Routing,
    pub(super) api: &'a PublicApi,
    /// The parent of the spans of its calls.
    pub(super) span: &'a ParentSpan,
    /// Whether this node does not lead.
    pub(super) only_reads: bool,
}

impl RequestContext<'_> {
    /// The origin of the request, by which a candidate is chosen.
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin { client: self.client.key.bytes(), headers: Some(&self.parts.headers) }
    }
}

/// The target of a request: its metrics, and its name in the log.
struct Endpoint<'a> {
    route: &'a str,
    metrics: &'a RouteMetrics,
}

impl<C: Callee> Handler for Gateway<C> {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let mut body = RequestBody::new(body, self.body, parts.extensions.get().cloned());
        let answered = self.respond(&parts, &mut body, client, false).await;
        answered.expect("a request that may write is answered")
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        let id = self.ids.next();
        let mut response = problem.into_response(&id);
        self.common_headers(&id, response.headers_mut());
        self.cors.answer_unread(response.headers_mut());
        response
    }
}

/// What a request needs of the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadKind {
    /// It is for a file, if there is one at its address.
    Nothing,
    /// It only reads them, or finds out in time that it does not: see [`Gateway::read`].
    Stores,
    /// It may write them.
    Writes,
}

impl<C: Callee> Gateway<C> {
    /// What a request with this method and URI needs.
    pub fn reads(&self, method: &Method, uri: &Uri) -> ReadKind {
        let (routing, path) = (self.calls.routing(), normalize_path(uri.path()));
        match self.apis.of(routing.worlds()).routes.find(method, &path) {
            RouteMatch::Operation(operation, _) if operation.writes() => ReadKind::Writes,
            RouteMatch::Operation(..) => ReadKind::Stores,
            RouteMatch::Method { .. } if *method == Method::OPTIONS => ReadKind::Nothing,
            // A commit that this node has not applied yet may have added it.
            RouteMatch::Method { .. } => ReadKind::Writes,
            RouteMatch::Nothing if !matches!(*method, Method::GET | Method::HEAD) => ReadKind::Writes,
            // The host does not know what a mounted service does: it begins as a read.
            RouteMatch::Nothing if path == OPENAPI || routing.mount_of(&path).is_some() => ReadKind::Stores,
            RouteMatch::Nothing => ReadKind::Nothing,
        }
    }

    /// Answers a request that only reads on a node that does not lead.
    ///
    /// # Errors
    ///
    /// The request as it came, if it does more than that, or if this node does not know its address: nothing has happened,
    /// and the leader has to answer it.
    pub async fn read(&self, request: Request<Incoming>, client: Client) -> Result<Response<Body>, Request<Incoming>> {
        let (parts, body) = request.into_parts();
        let mut body = RequestBody::new(body, self.body, parts.extensions.get().cloned());
        match self.respond(&parts, &mut body, client, true).await {
            Some(response) => Ok(response),
            None => {
                let body = body.into_incoming().expect("a request that goes to the leader has kept its body");
                Err(Request::from_parts(parts, body))
            }
        }
    }

    /// Answers a request; `None` if it `only_reads`, and attempted more.
    async fn respond(
        &self,
        parts: &Parts,
        body: &mut RequestBody,
        client: Client,
        only_reads: bool,
    ) -> Option<Response<Body>> {
        let began = clock::now();
        let (head, path) = (Head::read(&parts.headers), normalize_path(parts.uri.path()));
        let id = head.request_id(&self.ids);
        let routing = self.calls.routing();
        let api = self.apis.of(routing.worlds());
        let mut endpoint = Endpoint { route: "(none)", metrics: &self.metrics.nothing };
        let path = &*path;
        let mut recorded = request_span::begin(&self.tracer, parts, &head, &client, self.scheme());
        let span = &recorded.as_parent();
        let (head, id, routing, api) = (&head, &id, &*routing, &*api);
        let context = RequestContext { parts, head, path, id, client, routing, api, span, only_reads };
        let span = tracing::debug_span!(
            "request",
            id = id.as_str(),
            trace = head.trace().map(|trace| trace.trace),
            parent = head.trace().map(|trace| trace.span),
        );
        let mut response = match self.answer(&context, body, &mut endpoint).instrument(span).await {
            Ok(response) => response,
            // The leader runs, counts and logs it.
            Err(Refusal::OnlyReads | Refusal::Call(CallError::OnlyReads { .. })) if only_reads => return None,
            Err(refusal) => {
                report(&refusal, id, &self.unanswered_log);
                Problem::from(refusal).into_response(id)
            }
        };
        // If a client waits for permission to send its body, do not request a body only to discard it.
        if !head.expects_continue {
            body.discard().await;
        }
        self.finish(&context, &mut response);
        let took = clock::now().duration_since(began);
        endpoint.metrics.answered(response.status().as_u16(), took.as_secs_f64());
        let route = Some(endpoint.route).filter(|route| !route.starts_with('('));
        request_span::end(&mut recorded, parts, route, id, &response);
        if self.access_log {
            let trace = head.trace().map(|trace| Cow::Borrowed(trace.trace));
            let trace = trace.or_else(|| recorded.context().map(|context| Cow::Owned(context.trace_text())));
            let access = Access { method: &parts.method, route: endpoint.route, client, request: id, trace };
            access.log(&response, took);
        }
        Some(response)
    }

    async fn answer<'g>(
        &'g self,
        context: &RequestContext<'g>,
        body: &mut RequestBody,
        endpoint: &mut Endpoint<'g>,
    ) -> Result<Response<Body>, Refusal> {
        context.head.check(context.parts)?;
        let (method, path) = (&context.parts.method, context.path);
        if let Some(rates) = self.rates.as_ref().filter(|_| !is_free(context)) {
            rates.take(context.client.key).map_err(|retry_after_s| Refusal::Rate { retry_after_s })?;
        }
        let answered = match context.api.routes.find(method, path) {
            // The release with this route may have come after the node has looked what the request needs.
            RouteMatch::Operation(operation, _) if context.only_reads && operation.writes() => {
                return Err(Refusal::OnlyReads);
            }
            RouteMatch::Operation(operation, captured) => {
                *endpoint = Endpoint { route: &operation.pattern, metrics: &operation.metrics };
                return self.operate(operation, &captured, context, body).await;
            }
            RouteMatch::Method { allow } => Err(Refusal::Method { allow: allow.clone() }),
            RouteMatch::Nothing if path == OPENAPI => {
                *endpoint = Endpoint { route: OPENAPI, metrics: &self.metrics.openapi };
                self.openapi(context).await
            }
            RouteMatch::Nothing if path == "*" => Err(Refusal::Method { allow: ALLOW_ALL }),
            RouteMatch::Nothing => match context.routing.mount_of(path) {
                Some(mount) => {
                    *endpoint = Endpoint { route: &mount.prefix, metrics: &self.metrics.mounted };
                    return self.mounted(mount, context, body).await;
                }
                None => self.asset(context, endpoint).await,
            },
        };
        match answered {
            Err(Refusal::Method { allow }) if *method == Method::OPTIONS => Ok(self.options(context, allow)),
            // A commit that this node has not applied yet may have added it.
            Err(Refusal::NoRoute | Refusal::Method { .. }) if context.only_reads => Err(Refusal::OnlyReads),
            answered => answered,
        }
    }

    async fn openapi(&self, context: &RequestContext<'_>) -> Result<Response<Body>, Refusal> {
        reads_only(context)?;
        let accept_encoding = context.head.accept_encoding.as_deref();
        Ok(context.api.openapi.answer(&context.parts.headers, accept_encoding, self.compress_bytes_min).await)
    }

    async fn asset<'g>(
        &'g self,
        context: &RequestContext<'_>,
        endpoint: &mut Endpoint<'g>,
    ) -> Result<Response<Body>, Refusal> {
        let found = match &self.assets {
            Some(assets) => assets.find(context.path).await.map_err(Refusal::File)?,
            None => None,
        };
        let Some(found) = found else { return Err(Refusal::NoRoute) };
        *endpoint = Endpoint { route: "(assets)", metrics: &self.metrics.assets };
        reads_only(context)?;
        match found {
            assets::AssetMatch::File(asset) => {
                let accept_encoding = context.head.accept_encoding.as_deref();
                let mut response =
                    assets::respond(&asset, &context.parts.method, &context.parts.headers, accept_encoding).await?;
                self.pages.asset(response.headers_mut());
                Ok(response)
            }
            assets::AssetMatch::Directory => Ok(with_slash(context)),
        }
    }

    /// Lists the methods of an address; also answers a browser's preflight for pages of other origins.
    fn options(&self, context: &RequestContext<'_>, allow: HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.cors.preflight(&context.parts.headers, &allow, response.headers_mut());
        response.headers_mut().insert(ALLOW, allow);
        response
    }

    /// Adds the headers of every answer.
    fn finish(&self, context: &RequestContext<'_>, response: &mut Response<Body>) {
        if context.parts.method == Method::HEAD {
            let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            if let Some(bytes) = response.body().size_hint().exact().filter(|_| !bodiless) {
                response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(bytes));
            }
            *response.body_mut() = Body::empty();
        }
        let headers = response.headers_mut();
        self.common_headers(context.id, headers);
        self.cors.answer(context.head.origin, headers);
    }

    fn common_headers(&self, id: &RequestId, headers: &mut HeaderMap) {
        let id = HeaderValue::from_str(id.as_str()).expect("a request id is visible ASCII");
        headers.insert(X_REQUEST_ID, id);
        self.pages.answer(headers);
    }
}

/// Whether the request costs no token of its client's rate. Browsers send preflights by themselves, and the host
/// answers them without running anything, unless a mounted service gets them.
fn is_free(context: &RequestContext<'_>) -> bool {
    context.parts.method == Method::OPTIONS
        && is_preflight(&context.parts.headers)
        && context.routing.mount_of(context.path).is_none()
}

fn reads_only(context: &RequestContext<'_>) -> Result<(), Refusal> {
    match context.parts.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::Method { allow: ALLOW_READS }),
    }
}

/// Redirects to the same path with a trailing slash.
fn with_slash(context: &RequestContext<'_>) -> Response<Body> {
    let query = context.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
    if let Ok(location) = HeaderValue::from_str(&format!("{}/{query}", context.path)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Logs errors whose details a client does not see.
fn report(refusal: &Refusal, request: &RequestId, limit: &LogLimit) {
    let error: &dyn Error = refusal;
    match refusal {
        Refusal::Answer { .. } | Refusal::File(_) if limit.allows() => {
            tracing::error!(request = request.as_str(), error, "a request could not be answered");
        }
        // The code that runs the calls has already logged more details.
        Refusal::Call(_) => tracing::debug!(request = request.as_str(), error, "a call failed"),
        _ => {}
    }
}
