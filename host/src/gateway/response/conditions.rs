//! Conditional requests (RFC 9110, section 13): validators, and what a client says of them.

#[cfg(test)]
mod tests;

use std::time::{Duration, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::header::{
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) struct Validators {
    pub(in crate::gateway) etag: HeaderValue,
    /// Seconds since the Unix epoch.
    pub(in crate::gateway) modified_s: i64,
}

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Conditions {
    /// None of them stands against an answer.
    Met,
    /// The client has what it would get.
    NotModified,
    /// The client wanted another state than this one.
    Failed,
}

/// Judges the conditions of a `GET` or `HEAD`, in the order that RFC 9110 sets.
pub(in crate::gateway) fn judge(request: &HeaderMap, current: &Validators) -> Conditions {
    if request.contains_key(IF_MATCH) {
        if !any_matches_strongly(request, &current.etag) {
            return Conditions::Failed;
        }
    } else if date(request, &IF_UNMODIFIED_SINCE).is_some_and(|since| current.modified_s > since) {
        return Conditions::Failed;
    }
    let known = if request.contains_key(IF_NONE_MATCH) {
        any_matches(request, &IF_NONE_MATCH, &current.etag)
    } else {
        date(request, &IF_MODIFIED_SINCE).is_some_and(|since| current.modified_s <= since)
    };
    if known { Conditions::NotModified } else { Conditions::Met }
}

/// Whether a `Range` is to be honoured: without `If-Range`, or where that names exactly this state.
pub(in crate::gateway) fn range_holds(request: &HeaderMap, current: &Validators) -> bool {
    let Some(value) = request.get(IF_RANGE) else { return true };
    if value.as_bytes().starts_with(b"\"") {
        return value == current.etag && !is_weak(value.as_bytes());
    }
    date(request, &IF_RANGE) == Some(current.modified_s)
}

/// Whether `etag` is in the list of `header`, or that is `*`, by weak comparison.
pub(in crate::gateway) fn any_matches(request: &HeaderMap, header: &HeaderName, etag: &HeaderValue) -> bool {
    let wanted = opaque(etag.as_bytes());
    listed(request, header).any(|listed| listed == b"*" || opaque(listed) == wanted)
}

fn any_matches_strongly(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let wanted = etag.as_bytes();
    listed(request, &IF_MATCH).any(|listed| listed == b"*" || (listed == wanted && !is_weak(wanted)))
}

/// The entity tags of a header. None of the host's own has a comma in it, so one that is cut at a comma matches none.
fn listed<'a>(request: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    request.get_all(header).into_iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii)
}

fn is_weak(etag: &[u8]) -> bool {
    etag.starts_with(b"W/")
}

fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

/// The date in `header`, in any of the three forms of RFC 9110, section 5.6.7, in seconds since the Unix epoch; one that
/// is none is as good as absent.
fn date(request: &HeaderMap, header: &HeaderName) -> Option<i64> {
    let date = httpdate::parse_http_date(request.get(header)?.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// A date as HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT`. Nothing before 1970 has one.
pub(in crate::gateway) fn http_date(unix_s: i64) -> Option<HeaderValue> {
    let date = UNIX_EPOCH.checked_add(Duration::from_secs(unix_s.try_into().ok()?))?;
    // The year 9999 is the last that the form has.
    (unix_s < 253_402_300_800).then(|| HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok())?
}
