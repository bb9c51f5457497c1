//! The request headers that decide how a request is handled, collected in one pass, with their syntax checked.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Version};

use super::request_id::RequestIds;
use super::traceparent::TraceParent;
use crate::config::is_host;
use crate::gateway::response::fault::Fault;
use crate::gateway::response::refusal::Refusal;
use crate::limits::{IDEMPOTENCY_KEY_BYTES_MAX, TOKEN_BYTES_MAX};
use crate::names::RequestId;

/// The relevant headers of a request.
#[derive(Debug)]
pub(in crate::gateway) struct Head<'a> {
    pub(in crate::gateway) accept: Option<Cow<'a, str>>,
    pub(in crate::gateway) accept_encoding: Option<Cow<'a, str>>,
    pub(in crate::gateway) origin: Option<&'a HeaderValue>,
    content_type: SingleHeader<'a>,
    pub(in crate::gateway) encoded: bool,
    pub(in crate::gateway) expects_continue: bool,
    pub(in crate::gateway) host: SingleHeader<'a>,
    /// How often `chunked` is applied, and whether any other transfer coding is present.
    chunked: usize,
    transfer_coded: bool,
    request: SingleHeader<'a>,
    traceparent: SingleHeader<'a>,
    authorization: SingleHeader<'a>,
    idempotency_key: SingleHeader<'a>,
}

/// A header that may appear only once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum SingleHeader<'a> {
    Absent,
    Text(&'a str),
    /// It appears more than once, or is not visible ASCII.
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
            host: SingleHeader::Absent,
            chunked: 0,
            transfer_coded: false,
            request: SingleHeader::Absent,
            traceparent: SingleHeader::Absent,
            authorization: SingleHeader::Absent,
            idempotency_key: SingleHeader::Absent,
        };
        for (name, value) in headers {
            match name.as_str() {
                "host" => head.host.add(value),
                "transfer-encoding" => head.add_transfer_codings(value),
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

    /// The request id from the client, or a new one if it sent no valid id.
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

    fn add_transfer_codings(&mut self, value: &HeaderValue) {
        for coding in value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match coding.eq_ignore_ascii_case(b"chunked") {
                true => self.chunked += 1,
                false => self.transfer_coded = true,
            }
        }
    }

    /// Whether the body is declared as JSON.
    pub(in crate::gateway) fn brings_json(&self) -> bool {
        matches!(self.content_type, SingleHeader::Text(text) if is_json(text))
    }

    /// Checks the rules that every request must satisfy (RFC 9112, sections 3.2 and 6.1).
    pub(in crate::gateway) fn check(&self, parts: &Parts) -> Result<(), Refusal> {
        let good_host = match self.host {
            SingleHeader::Absent => parts.version != Version::HTTP_11,
            // An authority may end with a colon and no port.
            SingleHeader::Text(text) => is_host(text.strip_suffix(':').unwrap_or(text)),
            SingleHeader::Bad => false,
        };
        match self {
            _ if !good_host => {
                Err(Refusal::Malformed { what: "The request must have exactly one Host header with one host." })
            }
            Self { transfer_coded: true, .. } => Err(Refusal::TransferCoding),
            Self { chunked: 2.., .. } => Err(Refusal::Framing),
            _ if parts.method == Method::CONNECT => Err(Refusal::Tunnel),
            _ => Ok(()),
        }
    }

    /// Whether the request has a bearer token, well formed or not.
    pub(in crate::gateway) fn has_bearer(&self) -> bool {
        match self.authorization {
            SingleHeader::Absent => false,
            SingleHeader::Text(text) => {
                text.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
            }
            SingleHeader::Bad => true,
        }
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

    /// The `Idempotency-Key`, with its syntax checked.
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

/// Checks the rules that every request must satisfy.
///
/// # Errors
///
/// [`Refusal`] if a server must not act on its host, its framing or its method.
pub fn check_message(parts: &Parts) -> Result<(), Refusal> {
    Head::read(&parts.headers).check(parts)
}

/// Whether a `Content-Type` is that of JSON. JSON defines no parameters, and others have no meaning (RFC 8259, section
/// 11).
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn is_idempotency_key(key: &str) -> bool {
    !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX && key.bytes().all(|b| b.is_ascii_graphic())
}

/// Several headers with a list form one list. A value that is not ASCII is ignored.
fn add_to_list<'a>(list: &mut Option<Cow<'a, str>>, value: &'a HeaderValue) {
    let Ok(text) = value.to_str() else { return };
    *list = Some(match list.take() {
        None => Cow::Borrowed(text),
        Some(before) => Cow::Owned(format!("{before},{text}")),
    });
}
