//! Facts from a file's name: its media type, and whether its content can ever change.

#[cfg(test)]
mod tests;

use std::path::Path;

use hyper::header::HeaderValue;

/// A year: by convention, the longest time for which an answer is fresh.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Caches may store it, but must revalidate it each time, which costs a 304.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");

/// The media type of a file of this name.
pub(super) fn content_type(path: &Path) -> HeaderValue {
    let media_type = mime_guess::from_path(path).first_raw().unwrap_or("application/octet-stream");
    let text = media_type.starts_with("text/")
        || matches!(media_type, "application/javascript" | "application/json" | "application/manifest+json");
    if !text {
        return HeaderValue::from_static(media_type);
    }
    HeaderValue::from_str(&format!("{media_type}; charset=utf-8")).unwrap_or(HeaderValue::from_static(media_type))
}

/// How long caches may store a file of this name (RFC 9111, section 5.2.2): `max_age_s`, unless the file is a page. A
/// page names the other files, so it is revalidated each time.
pub(super) fn cache_control(path: &Path, max_age_s: u32) -> HeaderValue {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_page = content_type(path).as_bytes().starts_with(b"text/html");
    match (is_hashed(stem), is_page || max_age_s == 0) {
        (true, _) => FOREVER,
        (false, true) => ASK_AGAIN,
        (false, false) => {
            HeaderValue::from_str(&format!("public, max-age={max_age_s}, must-revalidate")).unwrap_or(ASK_AGAIN)
        }
    }
}

/// Whether compression makes files of this media type smaller.
pub(super) fn is_compressible(content_type: &HeaderValue) -> bool {
    let content_type = content_type.to_str().unwrap_or_default();
    content_type.contains("charset=utf-8") || matches!(content_type, "image/svg+xml" | "application/wasm")
}

/// Whether a name contains a hash of its content, as build tools write it: `app.3f2a9c1b`, `index-B3x9kQaz`.
///
/// Browsers never fetch such a name again, so a date, a size or a word must not match. A hash has at least 8 letters
/// and digits: either all are hexadecimal, or there are capitals, small letters and digits.
fn is_hashed(stem: &str) -> bool {
    let Some((_, hash)) = stem.rsplit_once(['.', '-']) else { return false };
    let has = |kind: fn(&u8) -> bool| hash.bytes().any(|byte| kind(&byte));
    let digits = has(u8::is_ascii_digit);
    let hexadecimal = hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let alphanumeric = hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    hash.len() >= 8 && digits && ((hexadecimal && has(u8::is_ascii_lowercase)) || (alphanumeric && mixed))
}
