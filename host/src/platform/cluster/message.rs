//! The parts of a request or an answer that go from one node to another: the headers that are not about one connection,
//! and the body.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::HeaderMap;
use hyper::body::{Body as _, Frame, Incoming};
use hyper::header::{
    CONNECTION, EXPECT, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// The body of a request to another node.
pub(super) type Outgoing = UnsyncBoxBody<Bytes, hyper::Error>;

/// A body of at most this many bytes is kept, so that it can be sent again.
pub(super) const BODY_BYTES_KEPT: usize = 1024 * 1024;

/// Headers about one connection (RFC 9110, section 7.6.1).
const OF_CONNECTION: [HeaderName; 10] = [
    CONNECTION,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Removes the headers that are about one connection, and those that `Connection` names.
pub(super) fn end_to_end(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|list| list.split(',')).filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let named: Vec<_> = named.collect();
    for name in named.iter().chain(&OF_CONNECTION) {
        headers.remove(name);
    }
}

/// The body of a request that is forwarded.
#[derive(Debug)]
pub(super) enum SentBody {
    /// It can be sent again.
    Kept(Bytes),
    /// What was read of it, and the rest.
    Once(Bytes, Pin<Box<Incoming>>),
    Sent,
}

impl SentBody {
    /// Reads the body, if it is not too large to be kept.
    pub(super) async fn read(mut body: Incoming) -> Result<Self, hyper::Error> {
        let (mut read, mut is_whole) = (BytesMut::new(), body.is_end_stream());
        while !is_whole && read.len() < BODY_BYTES_KEPT {
            match body.frame().await.transpose()? {
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        read.extend_from_slice(&data);
                    }
                }
                None => is_whole = true,
            }
        }
        let read = read.freeze();
        Ok(if is_whole { Self::Kept(read) } else { Self::Once(read, Box::pin(body)) })
    }

    /// The body for the next attempt; `None` if it cannot be sent again.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        match std::mem::replace(self, Self::Sent) {
            Self::Kept(bytes) => {
                *self = Self::Kept(bytes.clone());
                Some(Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
            }
            Self::Once(begin, rest) => {
                let begin = futures::stream::iter([Ok(Frame::data(begin))]);
                let rest = http_body_util::BodyStream::new(rest);
                Some(StreamBody::new(begin.chain(rest)).boxed_unsync())
            }
            Self::Sent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn headers_about_a_connection_are_not_forwarded_and_all_others_are() {
        let mut headers = HeaderMap::new();
        let sent = [
            ("connection", "close, X-Hop ,keep-alive"),
            ("connection", "upgrade"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("proxy-authorization", "Basic x"),
            ("authorization", "Bearer token"),
            ("cookie", "a=b"),
            ("cookie", "c=d"),
            ("x-request-id", "7"),
        ];
        for (name, value) in sent {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        end_to_end(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        assert_eq!(
            left,
            [("authorization", "Bearer token"), ("cookie", "a=b"), ("cookie", "c=d"), ("x-request-id", "7")]
        );
    }

    #[test]
    fn a_body_that_was_read_whole_can_be_sent_again_and_no_other() {
        let mut kept = SentBody::Kept(Bytes::from_static(b"{}"));
        assert!(kept.next().is_some() && kept.next().is_some());
        assert!(SentBody::Sent.next().is_none());
    }
}
