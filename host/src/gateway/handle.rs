//! Handling a request: what it asks for by its path, and what every answer has in common.

use std::error::Error;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderName, HeaderValue, LOCATION};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tracing::Instrument as _;

use super::access_log::Access;
use super::assets;
use super::callee::Callee;
use super::frontend::Gateway;
use crate::call::{Mount, Origin, Routing};
use crate::clock;
use crate::gateway::connections::client::Client;
use crate::gateway::connections::handler::Handler;
use crate::gateway::operations::public_api::Surface;
use crate::gateway::operations::routes::Found;
use crate::gateway::request::body::Intake;
use crate::gateway::request::head::Head;
use crate::gateway::response::body::Body;
use crate::gateway::response::problem::Problem;
use crate::gateway::response::refusal::Refusal;
use crate::names::RequestId;
use crate::observe::gateway::RouteMetrics;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const ALLOW_READS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const ALLOW_ALL: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// A request without its body, as it is handled.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) parts: &'a Parts,
    pub(super) head: &'a Head<'a>,
    pub(super) id: &'a RequestId,
    pub(super) client: Client,
    /// What its calls run on, and the routes of that.
    pub(super) routing: &'a Routing,
    pub(super) surface: &'a Surface,
}

impl Asked<'_> {
    /// Who asks, as far as candidates are chosen by it.
    pub(super) fn origin(&self) -> Origin<'_> {
        Origin { client: self.client.key.bytes(), headers: Some(&self.parts.headers) }
    }
}

/// What a request turned out to be for: where it is counted, and how it is called in the log.
struct Seen<'a> {
    route: &'a str,
    metrics: &'a RouteMetrics,
}

impl<C: Callee> Handler for Gateway<C> {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let began = clock::now();
        let (parts, body) = request.into_parts();
        let head = Head::read(&parts.headers);
        let id = head.request_id(&self.ids);
        let mut intake = Intake::new(body, self.intake);
        let routing = self.calls.routing();
        let surface = self.surfaces.of(routing.worlds());
        let mut seen = Seen { route: "(none)", metrics: &self.metrics.nothing };
        let asked = Asked { parts: &parts, head: &head, id: &id, client, routing: &routing, surface: &surface };
        let span = tracing::debug_span!(
            "request",
            id = id.as_str(),
            trace = head.trace().map(|trace| trace.trace),
            parent = head.trace().map(|trace| trace.span),
        );
        let mut response = match self.answer(&asked, &mut intake, &mut seen).instrument(span).await {
            Ok(response) => response,
            Err(refusal) => {
                report(&refusal, &id);
                Problem::from(refusal).into_response(&id)
            }
        };
        // A client that waits for leave to send its body is not asked for it just to have it thrown away.
        if !head.expects_continue {
            intake.discard().await;
        }
        self.finish(&asked, &mut response);
        let took = clock::now().duration_since(began);
        seen.metrics.answered(response.status().as_u16(), took.as_secs_f64());
        if self.access_log {
            let access = Access { method: &parts.method, route: seen.route, client, request: &id, trace: head.trace() };
            access.log(&response, took);
        }
        response
    }
}

impl<C: Callee> Gateway<C> {
    async fn answer<'g>(
        &'g self,
        asked: &Asked<'g>,
        intake: &mut Intake,
        seen: &mut Seen<'g>,
    ) -> Result<Response<Body>, Refusal> {
        let hosts_min = usize::from(asked.parts.version == Version::HTTP_11);
        if asked.head.hosts > 1 || asked.head.hosts < hosts_min {
            return Err(Refusal::Malformed { what: "A request has one Host header." });
        }
        if let Some(rates) = &self.rates {
            rates.take(asked.client.key).map_err(|retry_after_s| Refusal::Rate { retry_after_s })?;
        }
        let (method, path) = (&asked.parts.method, asked.parts.uri.path());
        let answered = match asked.surface.routes.find(method, path) {
            Found::Operation(operation, captured) => {
                *seen = Seen { route: &operation.pattern, metrics: &operation.metrics };
                return self.operate(operation, &captured, asked, intake).await;
            }
            Found::Method { allow } => Err(Refusal::Method { allow: allow.clone() }),
            Found::Nothing if path == "/openapi.json" => {
                *seen = Seen { route: "/openapi.json", metrics: &self.metrics.openapi };
                self.openapi(asked).await
            }
            Found::Nothing if path == "*" => Err(Refusal::Method { allow: ALLOW_ALL }),
            Found::Nothing => match asked.routing.mount_of(path) {
                Some(mount) => {
                    *seen = Seen { route: &mount.prefix, metrics: &self.metrics.mounted };
                    return self.mounted(mount, asked, intake).await;
                }
                None => self.asset(asked, seen).await,
            },
        };
        match answered {
            Err(Refusal::Method { allow }) if *method == Method::OPTIONS => Ok(self.options(asked, allow)),
            answered => answered,
        }
    }

    /// What is mounted gets the request as its client sent it, and nobody is authenticated for it.
    async fn mounted(&self, mount: &Mount, asked: &Asked<'_>, intake: &mut Intake) -> Result<Response<Body>, Refusal> {
        let Some(body) = intake.take_stream() else { return Err(Refusal::NoRoute) };
        let request = Request::from_parts(asked.parts.clone(), body);
        Ok(self.calls.serve(&mount.service, request, asked.id.clone(), asked.routing, asked.origin()).await?)
    }

    async fn openapi(&self, asked: &Asked<'_>) -> Result<Response<Body>, Refusal> {
        reads_only(asked)?;
        let accept_encoding = asked.head.accept_encoding.as_deref();
        Ok(asked.surface.openapi.answer(&asked.parts.headers, accept_encoding, self.compress_bytes_min).await)
    }

    async fn asset<'g>(&'g self, asked: &Asked<'_>, seen: &mut Seen<'g>) -> Result<Response<Body>, Refusal> {
        let path = asked.parts.uri.path();
        let found = match &self.assets {
            Some(assets) => assets.find(path).await.map_err(Refusal::File)?,
            None => None,
        };
        let Some(found) = found else { return Err(Refusal::NoRoute) };
        *seen = Seen { route: "(assets)", metrics: &self.metrics.assets };
        reads_only(asked)?;
        match found {
            assets::Found::File(asset) => {
                let accept_encoding = asked.head.accept_encoding.as_deref();
                assets::respond(&asset, &asked.parts.method, &asked.parts.headers, accept_encoding).await
            }
            assets::Found::Directory => Ok(with_slash(asked)),
        }
    }

    /// Says what can be done at an address, to a browser also for pages of other origins.
    fn options(&self, asked: &Asked<'_>, allow: HeaderValue) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        self.cors.preflight(&asked.parts.headers, &allow, response.headers_mut());
        response.headers_mut().insert(ALLOW, allow);
        response
    }

    /// What every answer has.
    fn finish(&self, asked: &Asked<'_>, response: &mut Response<Body>) {
        if asked.parts.method == Method::HEAD {
            let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            if let Some(bytes) = response.body().size_hint().exact().filter(|_| !bodiless) {
                response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(bytes));
            }
            *response.body_mut() = Body::empty();
        }
        let headers = response.headers_mut();
        let id = HeaderValue::from_str(asked.id.as_str()).expect("a request id is visible ASCII");
        headers.insert(X_REQUEST_ID, id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        self.cors.answer(asked.head.origin, headers);
    }
}

fn reads_only(asked: &Asked<'_>) -> Result<(), Refusal> {
    match asked.parts.method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Refusal::Method { allow: ALLOW_READS }),
    }
}

/// Sends the client to the same path with a slash at its end.
fn with_slash(asked: &Asked<'_>) -> Response<Body> {
    let query = asked.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
    if let Ok(location) = HeaderValue::from_str(&format!("{}/{query}", asked.parts.uri.path())) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Logs what a client is not told.
fn report(refusal: &Refusal, request: &RequestId) {
    let error: &dyn Error = refusal;
    match refusal {
        Refusal::Answer { .. } | Refusal::File(_) => {
            tracing::error!(request = request.as_str(), error, "a request could not be answered");
        }
        // What runs the calls has logged more of it than is known here.
        Refusal::Call(_) => tracing::debug!(request = request.as_str(), error, "a call came to nothing"),
        _ => {}
    }
}
