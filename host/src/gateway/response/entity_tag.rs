//! The entity tags of answers to `GET`: strong validators by which a client that has an answer asks whether it is still
//! true (RFC 9110, section 8.8.3).
//!
//! Invariant: two bodies of one address have the same tag exactly if their bytes are the same. So the tag of a body that
//! was compressed names the coding.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, HeaderValue, IF_NONE_MATCH};
use sha2::{Digest as _, Sha256};

use super::conditions::any_matches;
use crate::gateway::request::accept::Coding;
use crate::names::hex;

/// The bytes of the hash in a tag: enough that nobody finds two bodies with the same.
const TAG_BYTES: usize = 16;

/// The tag of `json`, with its quotes.
pub(in crate::gateway) fn of(json: &[u8]) -> Bytes {
    let hash = Sha256::digest(json);
    format!("\"{}\"", hex(hash.first_chunk::<TAG_BYTES>().expect("a hash is longer than a tag"))).into()
}

/// The header for an answer with these `headers`, which name its coding.
pub(in crate::gateway) fn header(tag: &Bytes, headers: &HeaderMap) -> HeaderValue {
    value(tag, headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok()))
}

/// The tag of the form that the client has; `None` if it has none, or another version.
pub(in crate::gateway) fn known(tag: &Bytes, request: &HeaderMap) -> Option<HeaderValue> {
    if !request.contains_key(IF_NONE_MATCH) {
        return None;
    }
    let forms = [None, Some(Coding::Gzip.name()), Some(Coding::Zstd.name())];
    forms.into_iter().map(|coding| value(tag, coding)).find(|etag| any_matches(request, &IF_NONE_MATCH, etag))
}

fn value(tag: &Bytes, coding: Option<&str>) -> HeaderValue {
    let value = match (coding, tag.strip_suffix(b"\"")) {
        (Some(coding), Some(open)) => [open, b"-", coding.as_bytes(), b"\""].concat().into(),
        _ => tag.clone(),
    };
    HeaderValue::from_maybe_shared(value).expect("hex digits and names of codings are allowed in a header")
}
