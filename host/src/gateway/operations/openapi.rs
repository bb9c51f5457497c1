//! `GET /openapi.json`: one document, which changes only with the contracts.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::{HeaderMap, Response, StatusCode};

use crate::gateway::response::body::Body;
use crate::gateway::response::compress;
use crate::gateway::response::conditions::any_matches;
use crate::names::Digest;

/// A JSON document with its entity tag.
#[derive(Debug)]
pub(in crate::gateway) struct Document {
    json: Bytes,
    etag: HeaderValue,
}

impl Document {
    pub(in crate::gateway) fn new(json: Bytes) -> Self {
        let mut digest = Digest::of(&json).hex();
        // Half of the digest is enough to distinguish two documents.
        digest.truncate(32);
        // A weak tag, because the compressed forms share it.
        let etag = HeaderValue::from_str(&format!("W/\"{digest}\"")).expect("hex digits are allowed in a header");
        Self { json, etag }
    }

    pub(in crate::gateway) async fn answer(
        &self,
        request: &HeaderMap,
        accept_encoding: Option<&str>,
        compress_bytes_min: usize,
    ) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(ETAG, self.etag.clone());
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if any_matches(request, &IF_NONE_MATCH, &self.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            compress::vary(self.json.len(), compress_bytes_min, response.headers_mut());
            return response;
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sent =
            compress::answer(self.json.clone(), accept_encoding, compress_bytes_min, response.headers_mut()).await;
        *response.body_mut() = Body::from(sent);
        response
    }
}
