//! Malformed, ambiguous and too large messages: each gets one answer, and the bytes after it are never read as another
//! request.

use std::time::{Duration, UNIX_EPOCH};

use tokio::io::AsyncWriteExt as _;

use super::rig::{Answered, Rig, raw_mount, read_to_end};
use crate::clock;

/// The number of answers in `bytes`, and the status of the first.
fn answers(bytes: &[u8]) -> (usize, Option<u16>) {
    let count = bytes.windows(7).filter(|seven| *seven == b"HTTP/1.").count();
    (count, (count > 0).then(|| Answered::parse(bytes).status))
}

#[tokio::test]
async fn a_message_that_could_hide_another_is_answered_once_and_the_connection_closed() {
    let rig = Rig::start(|_| {}).await;
    let hidden = "GET /notes/hidden HTTP/1.1\r\nHost: t\r\n\r\n";
    let cases: &[(&str, u16)] = &[
        ("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
        ("Content-Length: 5, 6\r\n\r\nhello", 400),
        ("Content-Length: +5\r\n\r\nhello", 400),
        ("Content-Length: -1\r\n\r\n", 400),
        ("Content-Length: 0x5\r\n\r\nhello", 400),
        ("Transfer-Encoding: gzip\r\n\r\n", 400),
        ("Content-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (
            "Content-Type: application/json\r\nTransfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            501,
        ),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        ("X: a\r\n folded\r\n\r\n", 400),
        ("Bad Name: x\r\n\r\n", 400),
        ("X: a\0b\r\n\r\n", 400),
        // Both lengths: chunked wins, and the connection is not reused.
        (
            "Content-Type: application/json\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"text\":\"hi\"}\r\n0\r\n\r\n",
            201,
        ),
        (
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nd\r\n{\"text\":\"hi\"}\r\n0\r\n\r\n",
            201,
        ),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400),
        (
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n", 400),
    ];
    for (rest, status) in cases {
        let request = format!("POST /notes HTTP/1.1\r\nHost: t\r\n{rest}{hidden}");
        let got = rig.exchange(request.as_bytes()).await;
        assert_eq!(answers(&got), (1, Some(*status)), "{rest:?}: {}", String::from_utf8_lossy(&got));
    }
}

#[tokio::test]
async fn a_request_names_one_host() {
    let rig = Rig::start(|_| {}).await;
    for (head, status) in [
        ("GET /notes/a HTTP/1.1\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a\r\n", 200),
        ("GET /notes/a HTTP/1.0\r\n", 200),
        ("GET /notes/a HTTP/1.1\r\nHost: a.example:8080\r\n", 200),
        ("GET /notes/a HTTP/1.1\r\nHost: [::1]:8080\r\n", 200),
        ("GET /notes/a HTTP/1.1\r\nHost: \r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a b\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a, b\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: me@a\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a:b\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a:99999\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: http://a/\r\n", 400),
        ("GET /notes/a HTTP/1.1\r\nHost: a/b\r\n", 400),
        ("GET /notes/a HTTP/1.0\r\nHost: a b\r\n", 400),
    ] {
        let got = rig.exchange(format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(answers(&got), (1, Some(status)), "{head:?}");
    }
}

#[tokio::test]
async fn what_is_oversized_is_refused_before_it_is_read() {
    let rig = Rig::start(|_| {}).await;
    let padding = "x".repeat(20_000);
    let many: String = (0..200).map(|number| format!("X-{number}: y\r\n")).collect();
    for (head, status) in [
        (format!("GET /notes/a HTTP/1.1\r\nHost: t\r\nX: {padding}\r\n\r\n"), 431),
        (format!("GET /notes/a HTTP/1.1\r\nHost: t\r\n{many}\r\n"), 431),
        (format!("GET /{padding} HTTP/1.1\r\nHost: t\r\n\r\n"), 431),
    ] {
        assert_eq!(answers(&rig.exchange(head.as_bytes()).await), (1, Some(status)), "{}", &head[..40]);
    }
    let post = "POST /notes HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/json\r\n";
    for (rest, status) in [
        // The client sends no body: the refusal does not wait for it.
        ("Content-Length: 99999999999\r\n\r\n".to_owned(), 413),
        ("Content-Length: 99999999999999999999999\r\n\r\n".to_owned(), 400),
        (format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", 1001, " ".repeat(1001)), 413),
        (format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", "1\r\n \r\n".repeat(1001)), 413),
        // A client that waits for a 100 gets none.
        ("Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n".to_owned(), 413),
    ] {
        let got = rig.exchange(format!("{post}{rest}").as_bytes()).await;
        assert_eq!(answers(&got), (1, Some(status)), "{:?}", &rest[..30.min(rest.len())]);
    }
}

#[tokio::test]
async fn a_body_that_is_refused_is_read_out_so_that_its_sender_sees_why() {
    let rig = Rig::start(|_| {}).await;
    for (line, status) in [("POST /notes", 413), ("POST /nowhere", 404), ("POST /notes/n-1/close", 400)] {
        let mut stream = rig.connect().await;
        let head = format!("{line} HTTP/1.1\r\nHost: t\r\nContent-Length: 3000000\r\nConnection: close\r\n");
        stream.write_all(format!("{head}Content-Type: application/json\r\n\r\n").as_bytes()).await.expect("it is read");
        for _ in 0..3000 {
            stream.write_all(&[b' '; 1000]).await.expect("it is read, though it is refused");
            tokio::task::yield_now().await;
        }
        assert_eq!(Answered::parse(&read_to_end(&mut stream).await).status, status, "{line}");
    }
}

#[tokio::test]
async fn a_tunnel_is_not_opened() {
    let rig = Rig::start(|_| {}).await;
    for target in ["a.example:443", "127.0.0.1:80"] {
        let answered = rig.ask(&format!("CONNECT {target}"), "", b"").await;
        assert_eq!((answered.status, answered.header("content-type")), (501, Some("application/problem+json")));
    }
}

/// Without the host, the HTTP library would answer these without a body.
#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered_with_a_problem() {
    let rig = Rig::start(|settings| settings.cors_origins = vec!["https://shop.example".into()]).await;
    let padding = "x".repeat(20_000);
    for (bytes, status, before) in [
        ("nonsense\r\n\r\n".to_owned(), 400, 0),
        ("GET /notes/a HTTP/1.1\r\nBad Name: x\r\n\r\n".to_owned(), 400, 0),
        (format!("GET /notes/a HTTP/1.1\r\nHost: t\r\nX: {padding}\r\n\r\n"), 431, 0),
        ("GET /notes/a HTTP/1.1\r\nHost: t\r\n\r\nnonsense\r\n\r\n".to_owned(), 400, 1),
    ] {
        let bytes = rig.exchange(bytes.as_bytes()).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let at: Vec<_> = text.match_indices("HTTP/1.1 ").map(|(at, _)| at).collect();
        assert_eq!(at.len(), before + 1, "{text}");
        let answered = Answered::parse(&bytes[at[before]..]);
        assert_eq!(answered.status, status, "{text}");
        assert_eq!(answered.header("content-type"), Some("application/problem+json"), "{text}");
        assert_eq!(answered.header("connection"), Some("close"), "{text}");
        assert_eq!(answered.header("content-length"), Some(answered.body.len().to_string().as_str()), "{text}");
        assert_eq!(answered.header("access-control-allow-origin"), Some("https://shop.example"), "{text}");
        let problem: serde_json::Value = serde_json::from_slice(&answered.body).expect("JSON");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["instance"].as_str(), answered.header("x-request-id"), "{text}");
    }
}

#[tokio::test]
async fn a_body_that_looks_like_the_librarys_answer_stays_as_it_is() {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_micros(clock::unix_micros()));
    let fake = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: {date}\r\n\r\n");
    let mount = raw_mount();
    let rig = Rig::with(|_| {}, vec![mount], 1000).await;
    let answered = rig.ask("POST /raw", "", fake.as_bytes()).await;
    assert_eq!(answered.text(), format!("web /raw {fake}"));
}
