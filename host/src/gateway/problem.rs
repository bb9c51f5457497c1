//! Problem documents (RFC 9457): the one place that knows which status an error has.
//!
//! A client is told what it can do something about. What went wrong inside is logged, not told.

use std::borrow::Cow;

use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::Body;
use super::client::Crowded;
use super::refusal::{Fault, Refusal};
use crate::call::CallError;
use crate::names::RequestId;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const NO_TOKEN: HeaderValue = HeaderValue::from_static("Bearer");
const BAD_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");
const NO_ROLE: HeaderValue = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");

/// Seconds after which a client may try again where nobody said when.
const RETRY_AFTER_S: u64 = 1;

/// An error as a client sees it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    /// Further members, written as JSON already: `"declineCode":"expired"`.
    members: Vec<u8>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The members in their order. What a contract's error adds comes behind.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    errors: &'a [Fault],
}

impl Problem {
    /// A problem without a type of its own: its title is its status.
    #[must_use]
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            kind: Cow::Borrowed("about:blank"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
            detail: detail.into(),
            errors: Vec::new(),
            members: Vec::new(),
            header: None,
        }
    }

    /// A problem of a type of its own.
    pub(super) fn of_kind(status: StatusCode, kind: String, title: String, detail: String, members: Vec<u8>) -> Self {
        let (kind, title, detail) = (Cow::Owned(kind), Cow::Owned(title), Cow::Owned(detail));
        let mut problem = Self { kind, title, detail, members, ..Self::new(status, "") };
        match status {
            StatusCode::UNAUTHORIZED => problem.header = Some((WWW_AUTHENTICATE, NO_TOKEN)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => problem.retry_after(RETRY_AFTER_S),
            _ => {}
        }
        problem
    }

    /// The problem with one more member, written as JSON already: `"verdict":{…}`.
    #[must_use]
    pub fn with_member(mut self, name: &str, json: &[u8]) -> Self {
        if !self.members.is_empty() {
            self.members.push(b',');
        }
        self.members.extend_from_slice(format!("{name:?}:").as_bytes());
        self.members.extend_from_slice(json);
        self
    }

    pub(super) fn retry_after(&mut self, seconds: u64) {
        self.header = Some((RETRY_AFTER, HeaderValue::from(seconds)));
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document, as the answer to `request`.
    #[must_use]
    pub fn to_json(&self, request: &RequestId) -> Vec<u8> {
        let document = Document {
            kind: &self.kind,
            title: &self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: request.as_str(),
            errors: &self.errors,
        };
        let mut json = serde_json::to_vec(&document).expect("text and numbers can be written as JSON");
        if !self.members.is_empty() {
            json.pop();
            json.push(b',');
            json.extend_from_slice(&self.members);
            json.push(b'}');
        }
        json
    }

    /// The answer to `request`.
    #[must_use]
    pub fn into_response(self, request: &RequestId) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json(request)));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        // Some errors may be kept by a cache otherwise, a 404 among them.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoRoute => Self::new(StatusCode::NOT_FOUND, "Nothing is at this address."),
            Refusal::Method { allow } => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not have this method.").with(ALLOW, allow)
            }
            Refusal::Malformed { what } => Self::new(StatusCode::BAD_REQUEST, what),
            Refusal::Faults(errors) => {
                let detail = "The request is not of the contract's shape.";
                Self { errors, ..Self::new(StatusCode::BAD_REQUEST, detail) }
            }
            Refusal::NoToken => Self::new(StatusCode::UNAUTHORIZED, "Sign in first.").with(WWW_AUTHENTICATE, NO_TOKEN),
            Refusal::NotBearer => {
                let detail = "The Authorization header must be `Bearer`, a space and the token, once.";
                Self::new(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, BAD_TOKEN)
            }
            Refusal::BadToken => {
                let detail = "The token is unknown, has expired, or was signed out.";
                Self::new(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, BAD_TOKEN)
            }
            Refusal::Role => {
                Self::new(StatusCode::FORBIDDEN, "The caller may not do this.").with(WWW_AUTHENTICATE, NO_ROLE)
            }
            Refusal::NotAcceptable => {
                Self::new(StatusCode::NOT_ACCEPTABLE, "The answer can only be had as application/json.")
            }
            Refusal::MediaType => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json, in UTF-8.")
            }
            Refusal::ContentEncoding => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")
                    .with(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            }
            Refusal::BodyTooLarge { bytes_max } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body may have {bytes_max} bytes at most."))
            }
            Refusal::BodySlow => Self::new(StatusCode::REQUEST_TIMEOUT, "The body did not come in time."),
            Refusal::Rate { retry_after_s } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests came from this address.")
                    .with(RETRY_AFTER, HeaderValue::from(retry_after_s))
            }
            Refusal::Range { bytes } => Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "The file is shorter than that.")
                .with(CONTENT_RANGE, content_range_of_none(bytes)),
            Refusal::Precondition => {
                Self::new(StatusCode::PRECONDITION_FAILED, "The file is not the one that the client expects.")
            }
            Refusal::Call(error) => Self::from(error),
            Refusal::Component(problem) => *problem,
            Refusal::Answer { .. } | Refusal::File(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The request could not be answered.")
            }
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { retry_after_s, .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The service cannot answer now; nothing was done.")
                    .with(RETRY_AFTER, HeaderValue::from(retry_after_s.max(RETRY_AFTER_S)))
            }
            CallError::Stopped(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "The service cannot answer now; it may be back later.")
                    .with(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
            }
            CallError::Deadline { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "The service took too long; nothing was done.")
            }
            CallError::Begun { .. } => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "The service took too long, and goes on. The same request with the same Idempotency-Key gets its answer.",
            ),
            CallError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This Idempotency-Key stands for another request: one with another body.",
            ),
            CallError::Failed { .. } | CallError::OverLimit { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The service failed; nothing was done.")
            }
        }
    }
}

fn content_range_of_none(bytes: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes */{bytes}")).expect("digits are allowed in a header")
}

/// The status of an error case that its contract gives `status`: 500 where it gives none that is an error's.
pub(super) fn error_status(status: Option<u16>) -> StatusCode {
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What is sent on a connection that there is no room for, before it is closed: there is no request to answer yet.
pub(super) fn crowded(crowded: Crowded) -> &'static [u8] {
    match crowded {
        Crowded::Full => {
            b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
              connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
              \"detail\":\"Too many connections are open.\"}"
        }
        Crowded::Client => {
            b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
              connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,\
              \"detail\":\"This client has too many connections open.\"}"
        }
    }
}
