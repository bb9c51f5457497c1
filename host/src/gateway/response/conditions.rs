//! Conditional requests (RFC 9110, section 13): validators, and the conditions on them.

#[cfg(test)]
mod tests;

use std::time::{Duration, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::header::{
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};
/// Values that distinguish the versions of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::gateway) struct Validators {
    pub(in crate::gateway) etag: HeaderValue,
    /// Seconds since the Unix epoch.
    pub(in crate::gateway) modified_s: i64,
}

/// The result of a request's conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Conditions {
    /// All conditions allow an answer.
    Met,
    /// The client already has the current version.
    NotModified,
    /// The client expected another version.
    Failed,
}

/// Evaluates the conditions of a `GET` or `HEAD`, in the order that RFC 9110 defines.
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

/// Whether to apply a `Range`: there is no `If-Range`, or it names exactly this version.
pub(in crate::gateway) fn range_holds(request: &HeaderMap, current: &Validators) -> bool {
    let Some(value) = request.get(IF_RANGE) else { return true };
    if value.as_bytes().starts_with(b"\"") {
        return value == current.etag && !is_weak(value.as_bytes());
    }
    date(request, &IF_RANGE) == Some(current.modified_s)
}

/// Whether the list of `header` contains `etag` by weak comparison, or is `*`.
pub(in crate::gateway) fn any_matches(request: &HeaderMap, header: &HeaderName, etag: &HeaderValue) -> bool {
    let wanted = opaque(etag.as_bytes());
    listed(request, header).any(|listed| listed == b"*" || opaque(listed) == wanted)
}

fn any_matches_strongly(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let wanted = etag.as_bytes();
    listed(request, &IF_MATCH).any(|listed| listed == b"*" || (listed == wanted && !is_weak(wanted)))
}

/// The entity tags of a header. The host's own have no comma, so a tag that is split at a comma never matches.
fn listed<'a>(request: &'a HeaderMap, header: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    request.get_all(header).into_iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).map(<[u8]>::trim_ascii)
}

fn is_weak(etag: &[u8]) -> bool {
    etag.starts_with(b"W/")
}

fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

/// The date in `header`, in any of the three forms of RFC 9110, section 5.6.7, in seconds since the Unix epoch. An
/// invalid date counts as absent.
fn date(request: &HeaderMap, header: &HeaderName) -> Option<i64> {
    let date = httpdate::parse_http_date(request.get(header)?.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// A date in HTTP's format: `Sun, 06 Nov 1994 08:49:37 GMT`. `None` before 1970.
pub(in crate::gateway) fn http_date(unix_s: i64) -> Option<HeaderValue> {
    let date = UNIX_EPOCH.checked_add(Duration::from_secs(unix_s.try_into().ok()?))?;
    // The year 9999 is the last one of this format.
    (unix_s < 253_402_300_800).then(|| HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok())?
}
