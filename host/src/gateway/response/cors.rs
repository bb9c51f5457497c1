//! Cross-origin requests: which pages of other origins may call, as configured.
//!
//! Callers show who they are with a token that their page holds, never with cookies, so credentials are not allowed.

#[cfg(test)]
mod tests;

use hyper::HeaderMap;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN as ORIGIN_NAME, VARY,
};

/// Request headers that a page may set. `Accept` and the like need no leave.
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id, traceparent");
/// Answer headers that a page may read.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, idempotent-replay, etag, allow, www-authenticate");
/// Seconds for which a browser may remember the leave: the most that browsers do.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins that may call.
#[derive(Debug)]
pub(in crate::gateway) enum Cors {
    None,
    Any,
    Some(Vec<HeaderValue>),
}

impl Cors {
    /// An origin that is no header value matches none.
    pub(in crate::gateway) fn new(origins: &[String]) -> Self {
        if origins.iter().any(|origin| origin == "*") {
            Self::Any
        } else if origins.is_empty() {
            Self::None
        } else {
            Self::Some(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
        }
    }

    /// Lets a page of `origin` read the answer with `headers`, where it may.
    pub(in crate::gateway) fn answer(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let allowed = match (self, origin) {
            (Self::None, _) => return,
            // To a request without an origin too: a cache may give its answer to one with.
            (Self::Any, _) => Some(ANY),
            (Self::Some(origins), origin) => {
                headers.append(VARY, ORIGIN);
                origin.filter(|origin| origins.contains(origin)).cloned()
            }
        };
        if let Some(allowed) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Lets a page read an answer to a request whose headers could not be read, where that is right for every origin.
    pub(in crate::gateway) fn answer_unread(&self, headers: &mut HeaderMap) {
        match self {
            Self::Some(origins) if origins.len() == 1 => self.answer(origins.first(), headers),
            _ => self.answer(None, headers),
        }
    }

    /// Answers what a browser asks before it lets a page send `request`: `allow` is what the address has.
    pub(in crate::gateway) fn preflight(&self, request: &HeaderMap, allow: &HeaderValue, headers: &mut HeaderMap) {
        if !matches!(self, Self::None) && is_preflight(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
}

/// Whether a browser asks on behalf of a page, if the method is `OPTIONS`.
pub(in crate::gateway) fn is_preflight(request: &HeaderMap) -> bool {
    request.contains_key(ORIGIN_NAME) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
