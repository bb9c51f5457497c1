//! A request that runs at the leader for one of its own clients, in case another node takes the lead meanwhile.
//!
//! Invariant: it is sent to the next leader only if that can tell that it is the same request, or if it changes nothing.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri};

use super::message::BODY_BYTES_KEPT;
use crate::gateway::BodyCopy;

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is needed to send a request again.
pub(super) struct Unanswered {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

/// A request that runs, and may have to be sent again.
pub(super) struct Repeatable {
    method: Method,
    uri: Uri,
    headers: HeaderMap<HeaderValue>,
    body: BodyCopy,
}

impl Repeatable {
    /// Follows `request`; `None` if it must not be sent again.
    pub(super) fn follow<B>(request: &mut Request<B>) -> Option<Self> {
        if !request.method().is_safe() && !request.headers().contains_key(IDEMPOTENCY_KEY) {
            return None;
        }
        let body = BodyCopy::up_to(BODY_BYTES_KEPT);
        request.extensions_mut().insert(body.clone());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        Some(Self { method, uri, headers: request.headers().clone(), body })
    }

    /// The request; `None` if its body was not read whole, or was not kept.
    pub(super) fn unanswered(self) -> Option<Unanswered> {
        let body = self.body.get()?;
        let (mut head, ()) = Request::new(()).into_parts();
        (head.method, head.uri, head.headers) = (self.method, self.uri, self.headers);
        Some(Unanswered { head, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_a_key_is_not_sent_again() {
        let request = |method: Method, key: Option<&str>| {
            let mut request = Request::new(());
            *request.method_mut() = method;
            if let Some(key) = key {
                request.headers_mut().insert(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
            }
            Repeatable::follow(&mut request).is_some()
        };
        assert!(request(Method::GET, None) && request(Method::POST, Some("k")));
        assert!(!request(Method::POST, None) && !request(Method::DELETE, None));
    }
}
