//! Cross-origin requests: the origins whose pages may call, as configured.
//!
//! Callers authenticate with a token in their page, never with cookies, so credentials are not allowed.

#[cfg(test)]
mod tests;

use hyper::HeaderMap;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue,
    ORIGIN as ORIGIN_NAME, VARY,
};

/// Request headers that a page may set. `Accept` and similar ones need no permission.
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id, traceparent");
/// Answer headers that a page may read.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-request-id, retry-after, idempotent-replay, etag, allow, www-authenticate");
/// Seconds for which a browser may cache the permission: the maximum of browsers.
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

    /// Allows a page of `origin` to read the answer with `headers`, if the configuration permits it.
    pub(in crate::gateway) fn answer(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let allowed = match (self, origin) {
            (Self::None, _) => return,
            // Send it without an origin too: a cache may give the answer to a request with one.
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

    /// Allows a page to read an answer to a request with unreadable headers, whose origin is unknown: adds headers only
    /// if they are correct for every origin.
    pub(in crate::gateway) fn answer_unread(&self, headers: &mut HeaderMap) {
        match self {
            Self::Some(origins) if origins.len() == 1 => self.answer(origins.first(), headers),
            _ => self.answer(None, headers),
        }
    }

    /// Answers a browser's preflight for `request`; `allow` lists the methods of the address.
    pub(in crate::gateway) fn preflight(&self, request: &HeaderMap, allow: &HeaderValue, headers: &mut HeaderMap) {
        if !matches!(self, Self::None) && is_preflight(request) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, allow.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
    }
}

/// Whether an `OPTIONS` request is a browser's preflight.
pub(in crate::gateway) fn is_preflight(request: &HeaderMap) -> bool {
    request.contains_key(ORIGIN_NAME) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}
