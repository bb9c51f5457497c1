//! The parts of a request to the operator API: its id, its token, the names in its path, its body.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::error::AdminError;
use crate::config::Signature;
use crate::gateway::{Refusal, decode_segment};
use crate::names::RequestId;

/// The body of a request. It is not read before a function asks for it.
pub(super) type RequestBody = UnsyncBoxBody<Bytes, BodyReadError>;

/// The body broke off, or its framing is malformed.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request breaks off")]
pub(super) struct BodyReadError(#[from] hyper::Error);

/// The id of the request, or a new one if it has no valid id.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    let mut given = headers.get_all("x-request-id").iter().map(|value| value.to_str().ok().map(RequestId::parse));
    match (given.next(), given.next()) {
        (Some(Some(Ok(id))), None) => id,
        _ => new_id(),
    }
}

pub(super) fn new_id() -> RequestId {
    // Without randomness ids repeat, but the operator still gets an answer.
    let half = || u128::from(getrandom::u64().unwrap_or_default());
    RequestId::from_bits(half() << 64 | half())
}

/// Whether a request names the host by an address, by `localhost` or by one of `names`.
///
/// Otherwise a page could point its own name to this address, and a browser on this machine would treat the operator
/// API as the page's own host.
pub(super) fn is_own_host(head: &Parts, names: &[String]) -> bool {
    let named = head.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(authority) = head.uri.authority().or(named.as_ref()) else { return true };
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok()
        || bare.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(bare))
}

/// The bearer token of a request with exactly one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// The decoded text of a path segment.
pub(super) fn decoded(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    decode_segment(segment)
        .map_err(|_| Refusal::Malformed { what: "The path is malformed: a `%` needs two hex digits, of UTF-8." })
}

/// Reads the whole body, bounded in bytes and time.
pub(super) async fn whole(body: &mut RequestBody, bytes_max: usize, time_max: Duration) -> Result<Bytes, Refusal> {
    let gathered = tokio::time::timeout(time_max, Limited::new(body, bytes_max).collect());
    match gathered.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { bytes_max }),
        Ok(Err(_)) => Err(Refusal::Malformed { what: "The body is malformed or breaks off." }),
        Err(_elapsed) => Err(Refusal::BodySlow),
    }
}

/// Reads the whole body into an unnamed file in `folder`, bounded in bytes and time.
pub(super) async fn spooled(
    body: &mut RequestBody,
    folder: &Path,
    bytes_max: usize,
    time_max: Duration,
) -> Result<File, AdminError> {
    match tokio::time::timeout(time_max, spool(body, folder, bytes_max)).await {
        Ok(spooled) => spooled,
        Err(_elapsed) => Err(Refusal::BodySlow.into()),
    }
}

async fn spool(body: &mut RequestBody, folder: &Path, bytes_max: usize) -> Result<File, AdminError> {
    let folder = folder.to_owned();
    let file = tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder)).await;
    let mut file = File::from_std(file.map_err(io::Error::from).flatten().map_err(no_room)?);
    let mut left = bytes_max;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Malformed { what: "The body is malformed or breaks off." })?;
        let Ok(data) = frame.into_data() else { continue };
        left = left.checked_sub(data.len()).ok_or(Refusal::BodyTooLarge { bytes_max })?;
        file.write_all(&data).await.map_err(no_room)?;
    }
    file.flush().await.map_err(no_room)?;
    Ok(file)
}

/// Reads the whole content of a file from [`spooled`].
pub(super) async fn read_back(mut file: File) -> Result<Bytes, AdminError> {
    let mut content = Vec::new();
    file.rewind().await.map_err(no_room)?;
    file.read_to_end(&mut content).await.map_err(no_room)?;
    Ok(content.into())
}

fn no_room(error: io::Error) -> AdminError {
    tracing::error!(%error, "an upload cannot be stored");
    AdminError::busy(format!("The upload cannot be stored in the data directory: {error}."))
}

/// Reads and discards the rest of a body, within these limits. If a server closes while its client still sends, the
/// client may lose the answer.
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
    // A timeout has the same result as a body that is too large: the connection closes.
    let _late = tokio::time::timeout(time_max, read_out).await;
}

/// Parses the body of a request as JSON.
pub(super) fn parse_json<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, AdminError> {
    serde_json::from_slice(body).map_err(|error| AdminError::bad_request(format!("The body: {error}.")))
}

/// Parses the signature of a component, from a header or a member of the body.
pub(super) fn parse_signature(text: &str) -> Result<Signature, AdminError> {
    Signature::parse(text).map_err(|error| AdminError::bad_request(format!("The signature: {error}.")))
}
