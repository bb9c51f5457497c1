use std::io::Read as _;

use super::*;

fn decompress(bytes: &[u8], coding: Option<&HeaderValue>) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding.map(HeaderValue::as_bytes) {
        Some(b"gzip") => flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).map(drop).expect("gzip"),
        Some(b"zstd") => {
            zstd::stream::Decoder::new(bytes).expect("zstd").read_to_end(&mut plain).map(drop).expect("zstd");
        }
        _ => plain.extend_from_slice(bytes),
    }
    plain
}

#[tokio::test]
async fn a_large_answer_is_compressed_as_the_client_likes_it() {
    for bytes in [0, 99, 100, 5_000, COMPRESS_INLINE_BYTES_MAX + 1] {
        for (accept, expected) in [
            (None, None),
            (Some("gzip"), Some("gzip")),
            (Some("br, gzip, zstd"), Some("zstd")),
            (Some("zstd;q=0.1, gzip"), Some("gzip")),
            (Some("br"), None),
        ] {
            let json = Bytes::from("[1,2]".repeat(bytes / 5 + 1).split_off(5 - bytes % 5));
            assert_eq!(json.len(), bytes);
            let mut headers = HeaderMap::new();
            let sent = answer(json.clone(), accept, 100, &mut headers).await;
            let coding = headers.get(CONTENT_ENCODING);
            assert_eq!(decompress(&sent, coding), json);
            let expected = expected.filter(|_| bytes >= 100).map(HeaderValue::from_static);
            assert_eq!(coding, expected.as_ref(), "{bytes} {accept:?}");
            assert_eq!(headers.contains_key(VARY), bytes >= 100);
        }
    }
}
