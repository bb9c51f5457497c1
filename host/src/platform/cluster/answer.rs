//! The answers of a node that are not those of a service.

use hyper::header::{HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::gateway::{Body, Problem};
use crate::names::RequestId;

/// Tells the node that forwarded a request that this node does not lead: [`UNTOUCHED`] or [`BEGUN`].
pub(super) const DOES_NOT_LEAD: HeaderName = HeaderName::from_static("switchyard-does-not-lead");

/// The request had no effect.
pub(super) const UNTOUCHED: HeaderValue = HeaderValue::from_static("untouched");
/// The request had begun when this node was replaced.
pub(super) const BEGUN: HeaderValue = HeaderValue::from_static("begun");

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) fn new_id() -> RequestId {
    // Without randomness ids repeat, but the client still gets an answer.
    let half = || u128::from(getrandom::u64().unwrap_or_default());
    RequestId::from_bits(half() << 64 | half())
}

pub(super) fn refuse(status: StatusCode, detail: &'static str, id: &RequestId) -> Response<Body> {
    answer(Problem::new(status, detail), id)
}

/// The answer with `problem`, and with the headers of every answer.
pub(super) fn answer(problem: Problem, id: &RequestId) -> Response<Body> {
    let mut response = problem.into_response(id);
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(RETRY_AFTER).or_insert(HeaderValue::from_static("1"));
    }
    response
}

/// The answer of a node that does not lead to a request of another node.
pub(super) fn does_not_lead(what: HeaderValue) -> Response<Body> {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "This host does not lead the cluster.", &new_id());
    response.headers_mut().insert(DOES_NOT_LEAD, what);
    response
}
