//! The answers of the operator API.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::error::AdminError;
use crate::gateway::{Body, Refusal};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>, AdminError> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(answer(status, JSON, json)),
        Err(error) => Err(Refusal::Answer { detail: error.to_string() }.into()),
    }
}

pub(super) fn answer(status: StatusCode, content_type: HeaderValue, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}
