//! Answers to unreadable heads. The HTTP library has no hook for them: it sends a status without a body and closes.
//! This module recognizes those bytes in the output, so that the host can send its own answer instead.

use std::time::{Duration, UNIX_EPOCH};

use hyper::body::Body as _;
use hyper::{Response, StatusCode};

use crate::clock;
use crate::gateway::response::body::Body;

/// The statuses that the library sends by itself.
const STATUSES: [StatusCode; 3] =
    [StatusCode::BAD_REQUEST, StatusCode::URI_TOO_LONG, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];

/// The status of the library's own answer, if `written` is exactly such an answer.
///
/// The library sends it after all earlier answers, as a separate write. Every answer of the host has a request id, so
/// none of them matches.
pub(super) fn status(written: &[u8]) -> Option<StatusCode> {
    let head = std::str::from_utf8(written.strip_suffix(b"\r\n\r\n")?).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?;
    let line = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    let status = STATUSES.into_iter().find(|status| line.starts_with(status.as_str()))?;
    let known = |line: &str| matches!(line, "content-length: 0" | "connection: close") || line.starts_with("date: ");
    lines.all(known).then_some(status)
}

/// `response` as the last answer of an HTTP/1 connection.
pub(super) fn http1(response: &Response<Body>) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_micros(clock::unix_micros()));
    let length = response.body().size_hint().exact().unwrap_or_default();
    bytes
        .extend_from_slice(format!("content-length: {length}\r\nconnection: close\r\ndate: {date}\r\n\r\n").as_bytes());
    bytes.extend_from_slice(response.body().bytes().map_or(&[], |body| body));
    bytes
}
