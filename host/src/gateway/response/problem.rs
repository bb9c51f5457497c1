//! Problem documents (RFC 9457): the answers to failed requests.

use std::borrow::Cow;

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::Body;
use super::fault::Fault;
use crate::names::RequestId;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
pub(super) const NO_TOKEN: HeaderValue = HeaderValue::from_static("Bearer");

/// Seconds before a client may retry, if nothing else is known.
pub(super) const RETRY_AFTER_S: u64 = 1;

/// An error in the form that a client sees.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Cow<'static, str>,
    errors: Vec<Fault>,
    /// Further members, already encoded as JSON: `"declineCode":"expired"`.
    members: Vec<u8>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// The members in their order. Those of a contract's error follow them.
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
    /// A problem without its own type: its title is its status.
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

    /// A problem with its own type.
    pub(in crate::gateway) fn of_kind(
        status: StatusCode,
        kind: String,
        title: String,
        detail: String,
        members: Vec<u8>,
    ) -> Self {
        let (kind, title, detail) = (Cow::Owned(kind), Cow::Owned(title), Cow::Owned(detail));
        let mut problem = Self { kind, title, detail, members, ..Self::new(status, "") };
        match status {
            StatusCode::UNAUTHORIZED => problem.header = Some((WWW_AUTHENTICATE, NO_TOKEN)),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => problem.retry_after(RETRY_AFTER_S),
            _ => {}
        }
        problem
    }

    /// Adds a member that is already encoded as JSON: `"verdict":{…}`.
    #[must_use]
    pub fn with_member(mut self, name: &str, json: &[u8]) -> Self {
        if !self.members.is_empty() {
            self.members.push(b',');
        }
        self.members.extend_from_slice(format!("{name:?}:").as_bytes());
        self.members.extend_from_slice(json);
        self
    }

    pub(in crate::gateway) fn retry_after(&mut self, seconds: u64) {
        self.header = Some((RETRY_AFTER, HeaderValue::from(seconds)));
    }

    pub(super) fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document in the answer to `request`.
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
        // Without this, caches may store some errors, such as a 404.
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
