//! The headers of a request that decide how it is handled, taken in one pass and checked for form.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::request_id::RequestIds;
use super::traceparent::TraceParent;
use crate::gateway::response::fault::Fault;
use crate::gateway::response::refusal::Refusal;
use crate::limits::{IDEMPOTENCY_KEY_BYTES_MAX, TOKEN_BYTES_MAX};
use crate::names::RequestId;

/// What a request says in its headers.
#[derive(Debug)]
pub(in crate::gateway) struct Head<'a> {
    pub(in crate::gateway) accept: Option<Cow<'a, str>>,
    pub(in crate::gateway) accept_encoding: Option<Cow<'a, str>>,
    pub(in crate::gateway) origin: Option<&'a HeaderValue>,
    content_type: SingleHeader<'a>,
    pub(in crate::gateway) encoded: bool,
    pub(in crate::gateway) expects_continue: bool,
    pub(in crate::gateway) hosts: usize,
    request: SingleHeader<'a>,
    traceparent: SingleHeader<'a>,
    authorization: SingleHeader<'a>,
    idempotency_key: SingleHeader<'a>,
}

/// A header that may stand once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SingleHeader<'a> {
    Absent,
    Text(&'a str),
    /// It stands more than once, or is no visible ASCII.
    Bad,
}

impl<'a> SingleHeader<'a> {
    fn add(&mut self, value: &'a HeaderValue) {
        *self = match (&self, value.to_str()) {
            (Self::Absent, Ok(text)) => Self::Text(text),
            _ => Self::Bad,
        };
    }
}

impl<'a> Head<'a> {
    pub(in crate::gateway) fn read(headers: &'a HeaderMap) -> Self {
        let mut head = Self {
            accept: None,
            accept_encoding: None,
            origin: None,
            content_type: SingleHeader::Absent,
            encoded: false,
            expects_continue: false,
            hosts: 0,
            request: SingleHeader::Absent,
            traceparent: SingleHeader::Absent,
            authorization: SingleHeader::Absent,
            idempotency_key: SingleHeader::Absent,
        };
        for (name, value) in headers {
            match name.as_str() {
                "host" => head.hosts += 1,
                "authorization" => head.authorization.add(value),
                "accept" => add_to_list(&mut head.accept, value),
                "accept-encoding" => add_to_list(&mut head.accept_encoding, value),
                "origin" => head.origin = Some(value),
                "content-type" => head.content_type.add(value),
                "content-encoding" => head.encoded |= !value.as_bytes().eq_ignore_ascii_case(b"identity"),
                "expect" => head.expects_continue = true,
                "idempotency-key" => head.idempotency_key.add(value),
                "x-request-id" => head.request.add(value),
                "traceparent" => head.traceparent.add(value),
                _ => {}
            }
        }
        head
    }

    /// The id that the client gave the request, or a new one where it gave none that is fit.
    pub(in crate::gateway) fn request_id(&self, ids: &RequestIds) -> RequestId {
        match self.request {
            SingleHeader::Text(text) => RequestId::parse(text).unwrap_or_else(|_| ids.next()),
            SingleHeader::Absent | SingleHeader::Bad => ids.next(),
        }
    }

    /// The trace that the request belongs to.
    pub(in crate::gateway) fn trace(&self) -> Option<TraceParent<'a>> {
        match self.traceparent {
            SingleHeader::Text(text) => TraceParent::parse(text),
            SingleHeader::Absent | SingleHeader::Bad => None,
        }
    }

    /// Whether the body is JSON in UTF-8, as it must be.
    pub(in crate::gateway) fn brings_json(&self) -> bool {
        let SingleHeader::Text(content_type) = self.content_type else { return false };
        let mut pieces = content_type.split(';').map(str::trim);
        let json = pieces.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
        let charset =
            pieces.filter_map(|piece| piece.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
        json && charset.is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
    }

    /// The bearer token, if there is one.
    pub(in crate::gateway) fn token(&self) -> Result<Option<&'a str>, Refusal> {
        let text = match self.authorization {
            SingleHeader::Absent => return Ok(None),
            SingleHeader::Text(text) => text,
            SingleHeader::Bad => return Err(Refusal::NotBearer),
        };
        let (scheme, token) = text.split_once(' ').ok_or(Refusal::NotBearer)?;
        let token = token.trim_matches(' ');
        let letters = token.trim_end_matches('=');
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        if !scheme.eq_ignore_ascii_case("bearer")
            || letters.is_empty()
            || token.len() > TOKEN_BYTES_MAX
            || !letters.bytes().all(allowed)
        {
            return Err(Refusal::NotBearer);
        }
        Ok(Some(token))
    }

    /// The `Idempotency-Key`, checked for form.
    pub(in crate::gateway) fn idempotency_key(&self) -> Result<Option<&'a str>, Fault> {
        match self.idempotency_key {
            SingleHeader::Absent => Ok(None),
            SingleHeader::Text(key) if is_idempotency_key(key) => Ok(Some(key)),
            SingleHeader::Text(_) | SingleHeader::Bad => {
                let detail = "expected 1 to 255 visible ASCII characters, once";
                Err(Fault::parameter("Idempotency-Key", detail))
            }
        }
    }
}

fn is_idempotency_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX && key.bytes().all(|b| b.is_ascii_graphic())
}

/// A list that stands more than once is one list. A value that is no ASCII says nothing.
fn add_to_list<'a>(list: &mut Option<Cow<'a, str>>, value: &'a HeaderValue) {
    let Ok(text) = value.to_str() else { return };
    *list = Some(match list.take() {
        None => Cow::Borrowed(text),
        Some(before) => Cow::Owned(format!("{before},{text}")),
    });
}
