//! The answer to a request for a file: one of its forms, some parts of it, or 304 Not Modified.

use std::io;
use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED,
    RANGE, VARY,
};
use hyper::{HeaderMap, Method, Response, StatusCode};

use super::find::{Asset, Form, validators};
use super::range::{self, Ranges};
use crate::gateway::request::accept::{Coding, choose_coding};
use crate::gateway::response::body::Body;
use crate::gateway::response::compress::ACCEPT_ENCODING;
use crate::gateway::response::conditions::{Conditions, http_date, judge, range_holds};
use crate::gateway::response::file::{FilePart, Piece};
use crate::gateway::response::refusal::Refusal;

/// Answers a `GET` or `HEAD` for `asset`.
///
/// # Errors
///
/// [`Refusal::Precondition`], [`Refusal::Range`], or [`Refusal::File`] if the file cannot be read after all.
pub(crate) async fn respond(
    asset: &Asset,
    method: &Method,
    request: &HeaderMap,
    accept_encoding: Option<&str>,
) -> Result<Response<Body>, Refusal> {
    let offered: Vec<Coding> = asset.compressed.iter().map(|(coding, _)| *coding).collect();
    let coding = choose_coding(accept_encoding, &offered);
    let form = asset.compressed.iter().find(|(offered, _)| Some(*offered) == coding).map(|(_, form)| form);
    let form = form.unwrap_or(&asset.plain);
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(ETAG, form.validators.etag.clone());
    if let Some(date) = http_date(form.validators.modified_s) {
        headers.insert(LAST_MODIFIED, date);
    }
    headers.insert(CACHE_CONTROL, asset.cache_control.clone());
    if !asset.compressed.is_empty() {
        headers.append(VARY, ACCEPT_ENCODING);
    }
    match judge(request, &form.validators) {
        Conditions::Met => {}
        Conditions::NotModified => {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Conditions::Failed => return Err(Refusal::Precondition),
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_TYPE, asset.content_type.clone());
    if let Some(coding) = coding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    // Ranges apply only to `GET`.
    let asked = request.get(RANGE).filter(|_| *method == Method::GET && range_holds(request, &form.validators));
    let asked = asked.and_then(|value| value.to_str().ok());
    match range::parse(asked, form.bytes) {
        Ranges::None => return Err(Refusal::Range { bytes: form.bytes }),
        Ranges::Whole => {
            let whole = Piece::File(0..form.bytes);
            *response.body_mut() = body(form, coding, vec![whole]).await?;
        }
        Ranges::Parts(parts) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let pieces = match parts.as_slice() {
                [part] => {
                    headers_of_part(response.headers_mut(), part, form.bytes);
                    vec![Piece::File(part.clone())]
                }
                parts => several(response.headers_mut(), parts, form.bytes)?,
            };
            *response.body_mut() = body(form, coding, pieces).await?;
        }
    }
    Ok(response)
}

fn headers_of_part(headers: &mut HeaderMap, part: &Range<u64>, bytes: u64) {
    let range = format!("bytes {}-{}/{bytes}", part.start, part.end.saturating_sub(1));
    headers.insert(CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits are allowed in a header"));
}

/// The pieces of a `multipart/byteranges` body.
fn several(headers: &mut HeaderMap, parts: &[Range<u64>], bytes: u64) -> Result<Vec<Piece>, Refusal> {
    // Random, so that no file can contain it.
    let random = getrandom::u64().map_err(|error| Refusal::File(io::Error::other(error)))?;
    let boundary = format!("part-{random:016x}");
    let content_type = headers.get(CONTENT_TYPE).cloned().unwrap_or(HeaderValue::from_static(""));
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        let mut head = BytesMut::new();
        head.put_slice(format!("\r\n--{boundary}\r\ncontent-type: ").as_bytes());
        head.put_slice(content_type.as_bytes());
        let last = part.end.saturating_sub(1);
        head.put_slice(format!("\r\ncontent-range: bytes {}-{last}/{bytes}\r\n\r\n", part.start).as_bytes());
        pieces.push(Piece::Bytes(head.freeze()));
        pieces.push(Piece::File(part.clone()));
    }
    pieces.push(Piece::Bytes(Bytes::from(format!("\r\n--{boundary}--\r\n"))));
    let content_type = format!("multipart/byteranges; boundary={boundary}");
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&content_type).expect("a boundary is allowed in a header"));
    Ok(pieces)
}

/// A body of `pieces`: from memory at once, or from the file while it is sent.
async fn body(form: &Form, coding: Option<Coding>, pieces: Vec<Piece>) -> Result<Body, Refusal> {
    let Some(content) = &form.content else {
        let file = tokio::fs::File::open(&form.path).await.map_err(Refusal::File)?;
        let metadata = file.metadata().await.map_err(Refusal::File)?;
        if validators(&metadata, coding) != form.validators {
            return Err(Refusal::File(io::Error::other("the file was changed while it was asked for")));
        }
        return Ok(Body::file(FilePart::new(file, pieces)));
    };
    let cut = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => bytes.clone(),
        Piece::File(range) => {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
            content.slice(place(range.start)..place(range.end))
        }
    };
    Ok(match pieces.as_slice() {
        [piece] => Body::shared(cut(piece)),
        pieces => Body::from(Bytes::from(pieces.iter().map(cut).fold(Vec::new(), |mut body, piece| {
            body.extend_from_slice(&piece);
            body
        }))),
    })
}
