//! The routes of the operator API: the resource at a path, its methods, and whether it needs the token.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, EXPECT, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use super::error::{AdminError, misdirected};
use super::request::{BodyReadError, RequestBody, decoded, discard, is_own_host, new_id, request_id};
use super::response::{JSON, answer, json};
use super::server::Admin;
use crate::admin::handlers::events::DeadLetterAction;
use crate::admin::handlers::health::Health;
use crate::admin::handlers::intents::IntentAction;
use crate::admin::handlers::releases::Action;
use crate::admin::handlers::version::Version;
use crate::admin::openapi::openapi;
use crate::gateway::{Body, Client, ConnectionTrust, Handler, Problem, Refusal, check_message, normalize_path};
use crate::limits::{BODY_DISCARD_BYTES_MAX, COMPONENT_BYTES_MAX};
use crate::names::RequestId;

pub(super) const METRICS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const GET: HeaderValue = HeaderValue::from_static("GET, HEAD");
const POST: HeaderValue = HeaderValue::from_static("POST");
const PUT: HeaderValue = HeaderValue::from_static("PUT");
const DELETE: HeaderValue = HeaderValue::from_static("DELETE");
const GET_PUT_DELETE: HeaderValue = HeaderValue::from_static("GET, HEAD, PUT, DELETE");
const GET_AND_POST: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");

/// By this header a client knows that it talks to the operator API, and not to the public one.
pub const API_HEADER: &str = "switchyard-api";

/// The resources of the operator API.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Health,
    Ready,
    Metrics,
    Services,
    Service(&'a str),
    Logs,
    Version,
    /// The description of this API.
    OpenApi,
    Call {
        service: &'a str,
        function: &'a str,
    },
    Deploy(&'a str),
    Act {
        service: &'a str,
        action: Action,
    },
    /// A deploy of several services.
    Set,
    Components,
    History,
    Tokens,
    Token(&'a str),
    Apply,
    Backup,
    Intents,
    Intent {
        id: &'a str,
        action: IntentAction,
    },
    /// The entities of a service.
    State(&'a str),
    /// The entries of a service's store.
    Entries(&'a str),
    /// One of them.
    Entry(&'a str),
    Stores,
    Store(&'a str),
    Events,
    EventsOf(&'a str),
    ChangeDeadLetters {
        service: &'a str,
        action: DeadLetterAction,
    },
    Schedules,
}

impl<'a> Route<'a> {
    /// The resource at `path`, whose segments are still encoded.
    pub(super) fn at(path: &'a str) -> Option<Self> {
        let segments: Vec<_> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["healthz"] => Some(Self::Health),
            ["readyz"] => Some(Self::Ready),
            ["metrics"] => Some(Self::Metrics),
            ["openapi.json"] => Some(Self::OpenApi),
            ["version"] => Some(Self::Version),
            ["logs"] => Some(Self::Logs),
            ["services"] => Some(Self::Services),
            ["services", service] => Some(Self::Service(service)),
            ["services", service, "state"] => Some(Self::State(service)),
            ["services", service, "entries"] => Some(Self::Entries(service)),
            ["services", service, "entry"] => Some(Self::Entry(service)),
            ["services", service, "call", function] => Some(Self::Call { service, function }),
            ["services", service, "releases"] => Some(Self::Deploy(service)),
            ["services", service, "promote"] => Some(Self::Act { service, action: Action::Promote }),
            ["services", service, "abort"] => Some(Self::Act { service, action: Action::Abort }),
            ["services", service, "settle"] => Some(Self::Act { service, action: Action::Settle }),
            ["services", service, "pause"] => Some(Self::Act { service, action: Action::Pause }),
            ["services", service, "resume"] => Some(Self::Act { service, action: Action::Resume }),
            ["services", service, "weight"] => Some(Self::Act { service, action: Action::Weight }),
            ["services", service, "rollback"] => Some(Self::Act { service, action: Action::Rollback }),
            ["releases"] => Some(Self::Set),
            ["components"] => Some(Self::Components),
            ["history"] => Some(Self::History),
            ["tokens"] => Some(Self::Tokens),
            ["tokens", name] => Some(Self::Token(name)),
            ["apply"] => Some(Self::Apply),
            ["backup"] => Some(Self::Backup),
            ["intents"] => Some(Self::Intents),
            ["intents", id, "retry"] => Some(Self::Intent { id, action: IntentAction::Retry }),
            ["intents", id, "give-up"] => Some(Self::Intent { id, action: IntentAction::GiveUp }),
            ["stores"] => Some(Self::Stores),
            ["stores", service] => Some(Self::Store(service)),
            ["events"] => Some(Self::Events),
            ["events", service] => Some(Self::EventsOf(service)),
            ["events", service, "replay"] => {
                Some(Self::ChangeDeadLetters { service, action: DeadLetterAction::Replay })
            }
            ["events", service, "drop"] => Some(Self::ChangeDeadLetters { service, action: DeadLetterAction::Drop }),
            ["schedules"] => Some(Self::Schedules),
            _ => None,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Health | Self::Ready | Self::Metrics | Self::OpenApi)
    }

    /// Whether `method` is allowed, and all allowed methods.
    pub(super) fn methods(&self, method: &Method) -> (bool, HeaderValue) {
        match self {
            Self::Call { .. }
            | Self::Deploy(_)
            | Self::Act { .. }
            | Self::Intent { .. }
            | Self::ChangeDeadLetters { .. }
            | Self::Set
            | Self::Apply
            | Self::Backup => (method == Method::POST, POST),
            Self::Service(_) => {
                (matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE), GET_PUT_DELETE)
            }
            Self::Components => (method == Method::PUT, PUT),
            Self::Token(_) | Self::Store(_) => (method == Method::DELETE, DELETE),
            Self::Tokens | Self::State(_) => {
                (matches!(*method, Method::GET | Method::HEAD | Method::POST), GET_AND_POST)
            }
            Self::Entry(_) => {
                (matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE), GET_PUT_DELETE)
            }
            _ => (method == Method::GET || method == Method::HEAD, GET),
        }
    }
}

impl Handler for Admin {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, _client: Client) -> Response<Body> {
        let (head, body) = request.into_parts();
        if let Err(refusal) = check_message(&head) {
            return self.refuse(refusal.into());
        }
        if !is_own_host(&head, &self.configuration.manifest.host.admin_names) {
            return self.refuse(misdirected());
        }
        let body = body.map_err(BodyReadError::from).boxed_unsync();
        self.respond(&head, body).await
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        let id = new_id();
        let mut response = problem.into_response(&id);
        common_headers(&id, response.headers_mut());
        response
    }
}

/// The headers of every answer.
pub(super) fn common_headers(id: &RequestId, headers: &mut HeaderMap) {
    headers.insert(API_HEADER, HeaderValue::from_static("operator"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert("x-request-id", id);
    }
}

impl Admin {
    /// Answers one request. Every answer has the request's id.
    pub(super) async fn respond(&self, head: &Parts, mut body: RequestBody) -> Response<Body> {
        let id = request_id(&head.headers);
        let answer = self.route(head, &mut body, &id).await;
        // A holder of a valid token may send a whole component before it gets the refusal: read it, so that the refusal
        // arrives.
        let bytes_max =
            if matches!(answer, Err(AdminError::Token)) { BODY_DISCARD_BYTES_MAX } else { COMPONENT_BYTES_MAX };
        if !head.headers.contains_key(EXPECT) {
            discard(&mut body, bytes_max, self.body_read_max).await;
        }
        let mut response = answer.unwrap_or_else(|refused: AdminError| refused.into_response(&id));
        common_headers(&id, response.headers_mut());
        response
    }

    async fn route(&self, head: &Parts, body: &mut RequestBody, id: &RequestId) -> Result<Response<Body>, AdminError> {
        let path = normalize_path(head.uri.path());
        let route = Route::at(&path).ok_or(Refusal::NoRoute)?;
        if route.is_open() {
            return self.open(&route, head);
        }
        let who = self.holder_of(head).ok_or(AdminError::Token)?;
        if let Some(trust) = head.extensions.get::<Arc<ConnectionTrust>>() {
            trust.authenticate();
        }
        let (has_method, allow) = route.methods(&head.method);
        if !has_method {
            return Err(Refusal::Method { allow }.into());
        }
        match route {
            Route::Health | Route::Ready | Route::Metrics | Route::OpenApi => self.open(&route, head),
            Route::Version => json(StatusCode::OK, &Version::of_this()),
            Route::Logs => json(StatusCode::OK, &self.logs(&who, head).await?),
            Route::Services => json(StatusCode::OK, &self.all_services().await),
            Route::Service(name) if head.method == Method::PUT => {
                json(StatusCode::OK, &self.add_service(&who, &decoded(name)?, head, body).await?)
            }
            Route::Service(name) if head.method == Method::DELETE => {
                json(StatusCode::OK, &self.remove_service(&who, &decoded(name)?, head).await?)
            }
            Route::Service(name) => json(StatusCode::OK, &self.service(&decoded(name)?)?),
            Route::State(service) if head.method == Method::POST => {
                json(StatusCode::OK, &self.import_state(&who, &decoded(service)?, head.uri.query(), body).await?)
            }
            Route::State(service) => self.export_state(&who, &decoded(service)?).await,
            Route::Entries(service) => {
                json(StatusCode::OK, &self.entries(&who, &decoded(service)?, head.uri.query()).await?)
            }
            Route::Entry(service) => self.one_entry(&who, &decoded(service)?, head, body).await,
            Route::Call { service, function } => {
                let (service, function) = (decoded(service)?, decoded(function)?);
                match self.call(&who, &service, &function, body, id).await? {
                    Some(value) => Ok(answer(StatusCode::OK, JSON, value)),
                    None => Ok(answer(StatusCode::NO_CONTENT, JSON, Vec::new())),
                }
            }
            Route::Deploy(service) => {
                let (status, deployed) = self.deploy(&who, &decoded(service)?, head, body).await?;
                json(status, &deployed)
            }
            Route::Set => {
                let (status, deployed) = self.deploy_set(&who, head, body).await?;
                json(status, &deployed)
            }
            Route::Act { service, action } => {
                json(StatusCode::OK, &self.act(&who, &decoded(service)?, action, head).await?)
            }
            Route::Components => json(StatusCode::OK, &self.upload(&who, body).await?),
            Route::History => json(StatusCode::OK, &self.history(head).await?),
            Route::Tokens if head.method == Method::POST => {
                json(StatusCode::CREATED, &self.add_token(&who, body).await?)
            }
            Route::Tokens => json(StatusCode::OK, &self.tokens(&who)?),
            Route::Token(name) => {
                self.revoke_token(&who, &decoded(name)?).await?;
                Ok(answer(StatusCode::NO_CONTENT, JSON, Vec::new()))
            }
            Route::Apply => json(StatusCode::OK, &self.apply(&who, head, body).await?),
            Route::Backup => self.backup(&who, body).await,
            Route::Intents => json(StatusCode::OK, &self.intents()),
            Route::Intent { id, action } => {
                json(StatusCode::OK, &self.act_on_intent(&who, &decoded(id)?, action, head).await?)
            }
            Route::Stores => json(StatusCode::OK, &self.stores()),
            Route::Events => json(StatusCode::OK, &self.subscriptions().await?),
            Route::EventsOf(service) => json(StatusCode::OK, &self.service_events(&decoded(service)?, head).await?),
            Route::ChangeDeadLetters { service, action } => {
                json(StatusCode::OK, &self.change_dead_letters(&who, &decoded(service)?, action, body).await?)
            }
            Route::Schedules => json(StatusCode::OK, &self.schedules(head)?),
            Route::Store(name) => {
                self.drop_store(&who, &decoded(name)?).await?;
                Ok(answer(StatusCode::NO_CONTENT, JSON, Vec::new()))
            }
        }
    }

    /// Answers requests that need no token.
    fn open(&self, route: &Route<'_>, head: &Parts) -> Result<Response<Body>, AdminError> {
        let (has_method, allow) = route.methods(&head.method);
        if !has_method {
            return Err(Refusal::Method { allow }.into());
        }
        match route {
            Route::Ready => {
                let readiness = self.readiness();
                let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                json(status, &readiness)
            }
            Route::Metrics => {
                self.calls.measure_intents();
                let data = &self.configuration.manifest.host.data;
                let text = self.metrics.render_all(&self.releases.series(), data);
                Ok(answer(StatusCode::OK, METRICS_TEXT, text.into_bytes()))
            }
            Route::OpenApi => json(StatusCode::OK, &openapi()),
            _ => json(StatusCode::OK, &Health { status: "up" }),
        }
    }
}
