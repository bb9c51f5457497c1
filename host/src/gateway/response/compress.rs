//! Compresses answers: gzip and zstd while the client waits, and unchanging files with higher levels. Brotli is only
//! for files that were compressed in advance.

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, HeaderValue, VARY};

use crate::gateway::request::accept::{Coding, choose_coding};
use crate::limits::COMPRESS_INLINE_BYTES_MAX;
use crate::observe::LogLimit;

/// The encodings for an answer whose client waits.
const OFFERED: [Coding; 2] = [Coding::Zstd, Coding::Gzip];

/// Compression levels, which decide the time.
#[derive(Debug, Clone, Copy)]
struct Levels {
    zstd: i32,
    gzip: u32,
}

/// Fast: about as much time as writing the JSON.
const FAST: Levels = Levels { zstd: 1, gzip: 1 };

/// Dense: some tenths of a second per megabyte, once.
const DENSE: Levels = Levels { zstd: 15, gzip: 9 };

static FAILED_LOG: LogLimit = LogLimit::of_requests();

pub(in crate::gateway) const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

/// Returns `json`, compressed if it has at least `bytes_min` bytes and the client prefers that.
pub(in crate::gateway) async fn answer(
    json: Bytes,
    accept_encoding: Option<&str>,
    bytes_min: usize,
    headers: &mut HeaderMap,
) -> Bytes {
    if !vary(json.len(), bytes_min, headers) {
        return json;
    }
    let Some(coding) = choose_coding(accept_encoding, &OFFERED) else { return json };
    let compressed = if json.len() <= COMPRESS_INLINE_BYTES_MAX {
        compress(&json, coding, FAST)
    } else {
        let json = json.clone();
        tokio::task::spawn_blocking(move || compress(&json, coding, FAST))
            .await
            .unwrap_or_else(|error| Err(error.into()))
    };
    match compressed {
        Ok(compressed) if compressed.len() < json.len() => {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            Bytes::from(compressed)
        }
        Ok(_) => json,
        Err(error) => {
            if FAILED_LOG.allows() {
                tracing::warn!(%error, coding = coding.name(), "an answer goes out as it is, compressing it failed");
            }
            json
        }
    }
}

/// Adds `Vary` if answers of this length depend on what the client accepts. A 304 needs it too (RFC 9110, section
/// 15.4.5).
pub(in crate::gateway) fn vary(bytes: usize, bytes_min: usize, headers: &mut HeaderMap) -> bool {
    let varies = bytes >= bytes_min;
    if varies {
        headers.append(VARY, ACCEPT_ENCODING);
    }
    varies
}

/// Compresses `bytes` with high levels, which takes a while.
pub(in crate::gateway) fn densely(bytes: &[u8], coding: Coding) -> io::Result<Vec<u8>> {
    compress(bytes, coding, DENSE)
}

fn compress(bytes: &[u8], coding: Coding, levels: Levels) -> io::Result<Vec<u8>> {
    let room = Vec::with_capacity(bytes.len() / 3);
    match coding {
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::new(levels.gzip));
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Coding::Zstd => {
            let mut encoder = zstd::stream::Encoder::new(room, levels.zstd)?;
            encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
            encoder.write_all(bytes)?;
            encoder.finish()
        }
        Coding::Brotli => Err(io::ErrorKind::Unsupported.into()),
    }
}
