//! The operator API of a host of a cluster, as far as it does not matter who leads: its listener, its token, and the form
//! of its answers.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::error::{AdminError, misdirected};
use super::handlers::health::{Health, Readiness};
use super::request::{bearer, is_own_host, request_id};
use super::response::{answer, json};
use super::routes::{METRICS_TEXT, common_headers};
use super::server::{Admin, AdminStartError, listener_settings, token};
use crate::config::{AdminToken, Configuration};
use crate::gateway::{Body, Certificate, ConnectionTrust, Problem, Refusal, ServerSettings, check_message};
use crate::names::RequestId;
use crate::observe::Metrics;
use crate::release::Holder;

/// The operator API of a host that may not lead its cluster.
#[derive(Debug)]
pub struct NodeAdmin {
    configuration: Configuration,
    token: ArcSwap<AdminToken>,
    certificate: Option<Arc<Certificate>>,
    server: ServerSettings,
    metrics: Metrics,
}

impl NodeAdmin {
    /// # Errors
    ///
    /// [`AdminStartError`] if there is no usable token, or the certificate is not valid.
    pub fn new(configuration: &Configuration, metrics: Metrics) -> Result<Self, AdminStartError> {
        let (server, certificate) = listener_settings(&configuration.manifest)?;
        let token = ArcSwap::from_pointee(token(configuration)?);
        Ok(Self { configuration: configuration.clone(), token, certificate, server, metrics })
    }

    #[must_use]
    pub fn server(&self) -> &ServerSettings {
        &self.server
    }

    /// Like [`Admin::reload_files`].
    ///
    /// # Errors
    ///
    /// Like [`Admin::reload_files`].
    pub fn reload_files(&self) -> Result<(), AdminStartError> {
        let token = token(&self.configuration).map(|token| self.token.store(Arc::new(token)));
        let certificate = self.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload());
        token?;
        Ok(certificate?)
    }

    /// Checks what every request must satisfy.
    ///
    /// # Errors
    ///
    /// The answer that refuses it.
    pub fn check(&self, request: Request<Incoming>) -> Result<Request<Incoming>, Box<Response<Body>>> {
        let (head, body) = request.into_parts();
        let refused = match check_message(&head) {
            Err(refusal) => refusal.into(),
            Ok(()) if is_own_host(&head, &self.configuration.manifest.host.admin_names) => {
                return Ok(Request::from_parts(head, body));
            }
            Ok(()) => misdirected(),
        };
        Err(Box::new(self.refuse(refused, &head)))
    }

    /// Whether `request` has the admin token of this host. Its connection then counts as authenticated.
    pub fn is_admin(&self, request: &Request<Incoming>) -> bool {
        let is_admin = bearer(request.headers()).is_some_and(|given| self.token.load().matches(given));
        if let (true, Some(trust)) = (is_admin, request.extensions().get::<Arc<ConnectionTrust>>()) {
            trust.authenticate();
        }
        is_admin
    }

    /// The answer to a request without a token that is valid here.
    pub fn refuse_token(&self, request: &Request<Incoming>) -> Response<Body> {
        with_headers(request.headers(), |id| AdminError::Token.into_response(id))
    }

    /// The answer to a request for the health of this host.
    pub fn health(&self, request: &Request<Incoming>) -> Response<Body> {
        self.answer(request, StatusCode::OK, &Health { status: "up" })
    }

    /// The answer to a request for the readiness of this host: `because` has all reasons why it is not ready.
    pub fn readiness(&self, request: &Request<Incoming>, because: Vec<String>) -> Response<Body> {
        let readiness = Readiness { ready: because.is_empty(), because };
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        self.answer(request, status, &readiness)
    }

    /// The metrics of this host.
    pub fn metrics(&self, request: &Request<Incoming>) -> Response<Body> {
        let text = self.metrics.render_all(&[], &self.configuration.manifest.host.data);
        with_headers(request.headers(), |_| answer(StatusCode::OK, METRICS_TEXT, text.into_bytes()))
    }

    /// An answer as JSON.
    pub fn answer(&self, request: &Request<Incoming>, status: StatusCode, value: &impl Serialize) -> Response<Body> {
        with_headers(request.headers(), |id| json(status, value).unwrap_or_else(|error| error.into_response(id)))
    }

    /// The answer to a method that a resource does not have.
    pub fn refuse_method(&self, request: &Request<Incoming>, allow: &Method) -> Response<Body> {
        let allow = HeaderValue::from_str(allow.as_str()).expect("a method is visible ASCII");
        with_headers(request.headers(), |id| AdminError::from(Refusal::Method { allow }).into_response(id))
    }

    /// The answer to a holder who may not do `what`.
    pub fn forbid(&self, request: &Request<Incoming>, holder: &Holder, what: &str) -> Response<Body> {
        let detail = format!("The token {:?} may not {what}.", holder.name);
        with_headers(request.headers(), |id| AdminError::forbidden(detail).into_response(id))
    }

    fn refuse(&self, problem: Problem, head: &Parts) -> Response<Body> {
        with_headers(&head.headers, |id| problem.into_response(id))
    }

    /// The answer with `problem` when there is no request.
    pub fn refuse_unread(&self, problem: Problem) -> Response<Body> {
        with_headers(&hyper::HeaderMap::new(), |id| problem.into_response(id))
    }
}

fn with_headers(request: &hyper::HeaderMap, respond: impl FnOnce(&RequestId) -> Response<Body>) -> Response<Body> {
    let id = request_id(request);
    let mut response = respond(&id);
    common_headers(&id, response.headers_mut());
    response
}

impl Admin {
    /// Whose token `request` has: an admin's if the node that forwarded it says so.
    pub(crate) fn holder_of(&self, head: &Parts) -> Option<Holder> {
        head.extensions.get::<Holder>().cloned().or_else(|| self.holder(bearer(&head.headers)?))
    }
}
