//! What a request to the operator's side brings: its id, its token, the names in its path, its body.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use serde::Deserialize;

use super::error::AdminError;
use crate::config::Signature;
use crate::gateway::{Refusal, decode_segment};
use crate::names::RequestId;

/// The body of a request, of which nothing is read before it is asked for.
pub(super) type RequestBody = UnsyncBoxBody<Bytes, BodyReadError>;

/// The body broke off, or its framing is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request breaks off")]
pub(super) struct BodyReadError(#[from] hyper::Error);

/// The id that a request brings, or a new one where it brings none that is fit.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    let mut given = headers.get_all("x-request-id").iter().map(|value| value.to_str().ok().map(RequestId::parse));
    match (given.next(), given.next()) {
        (Some(Some(Ok(id))), None) => id,
        _ => new_id(),
    }
}

pub(super) fn new_id() -> RequestId {
    // Without randomness ids repeat, which is no reason to leave an operator without an answer.
    let half = || u128::from(getrandom::u64().unwrap_or_default());
    RequestId::from_bits(half() << 64 | half())
}

/// The bearer token of a request that has one, and only one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// A segment of a path as the text that it stands for.
pub(super) fn decoded(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    decode_segment(segment)
        .map_err(|_| Refusal::Malformed { what: "The path is malformed: a `%` needs two hex digits, of UTF-8." })
}

/// The whole body, bounded in bytes and time.
pub(super) async fn whole(body: &mut RequestBody, bytes_max: usize, time_max: Duration) -> Result<Bytes, Refusal> {
    let gathered = tokio::time::timeout(time_max, Limited::new(body, bytes_max).collect());
    match gathered.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { bytes_max }),
        Ok(Err(_)) => Err(Refusal::Malformed { what: "The body is malformed or breaks off." }),
        Err(_elapsed) => Err(Refusal::BodySlow),
    }
}

/// Reads what is left of a body and throws it away, within these bounds: a server that closes while its client still
/// sends takes the answer away from it.
pub(super) async fn discard(body: &mut RequestBody, bytes_max: usize, time_max: Duration) {
    let read_out = async {
        let mut left = bytes_max;
        while let Some(Ok(frame)) = body.frame().await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Late is no different from too large: the connection is closed.
    let _late = tokio::time::timeout(time_max, read_out).await;
}

/// The body of a request, read as JSON.
pub(super) fn parse_json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, AdminError> {
    serde_json::from_slice(body).map_err(|error| AdminError::bad_request(format!("The body: {error}.")))
}

/// The signature of a component, as a header or a member of the body carries it.
pub(super) fn parse_signature(text: &str) -> Result<Signature, AdminError> {
    Signature::parse(text).map_err(|error| AdminError::bad_request(format!("The signature: {error}.")))
}
