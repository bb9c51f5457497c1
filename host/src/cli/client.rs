//! The client of the operator's HTTP API.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::failure::{Failure, Kind};
use super::target::Target;

/// How long a connection to the host may take: it is near.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long an answer may take: longer than any call's usual deadline.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(300);

/// Largest answer, in bytes: above what a service may answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Sends one request to the operator's side of `target` and gives the body of its answer, when that is a success.
pub(super) fn send(target: &Target, method: Method, path: &str, body: Option<String>) -> Result<Bytes, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(Kind::Refused, error))?;
    let waited = async { tokio::time::timeout(ANSWER_WAIT_MAX, exchange(target, method, path, body)).await };
    let answered = runtime.block_on(waited);
    let (status, answer) = answered.unwrap_or_else(|_| {
        let late = format!("{} gave no answer within {} s", target.url, ANSWER_WAIT_MAX.as_secs());
        Err(Failure::text(Kind::Unreachable, late))
    })?;
    match status {
        status if status.is_success() => Ok(answer),
        StatusCode::UNAUTHORIZED => Err(Failure::text(Kind::Unauthorized, "the host does not take this admin token")
            .next("Name the data directory of the host with --data, or set SWITCHYARD_ADMIN_TOKEN to its token.")),
        status => Err(refusal(status, &answer)),
    }
}

async fn exchange(
    target: &Target,
    method: Method,
    path: &str,
    body: Option<String>,
) -> Result<(StatusCode, Bytes), Failure> {
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", target.url))
        .header(AUTHORIZATION, format!("Bearer {}", target.token.reveal()))
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.unwrap_or_default())))
        .map_err(|error| Failure::new(Kind::Usage, error).next("Write --admin as http://ADDRESS:PORT."))?;
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_WAIT_MAX));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request).await.map_err(|error| unreachable(target, error))?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Failure::new(Kind::Unreachable, anyhow::anyhow!(error)))?;
    Ok((status, body.to_bytes()))
}

fn unreachable(target: &Target, error: hyper_util::client::legacy::Error) -> Failure {
    let what = format!("no host answers at {}", target.url);
    let next = "Start it with `switchyard up`, or name its operator's side with --admin URL.";
    Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what)).next(next)
}

/// What a problem document says, for people.
fn refusal(status: StatusCode, answer: &[u8]) -> Failure {
    let document: Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    let title = text("title").or(status.canonical_reason()).unwrap_or("refused");
    let mut lines = format!("{} {title}", status.as_u16());
    if let Some(detail) = text("detail") {
        lines.push_str(&format!(": {detail}"));
    }
    for fault in document.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |key: &str| fault.get(key).and_then(Value::as_str);
        let place = part("field").or(part("parameter")).unwrap_or_default();
        lines.push_str(&format!("\n  {place}: {}", part("detail").unwrap_or_default()));
    }
    Failure::text(Kind::Refused, lines)
}

/// `text` as one segment of a URL's path.
pub(super) fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::config::AdminToken;

    fn target(listener: &TcpListener) -> Target {
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Target { url, token: AdminToken::from_bits([0xab; 32]) }
    }

    /// Sends a request to a host that gives `answer`; also gives the head of the request as the host saw it.
    fn asked(answer: &str) -> (Result<Bytes, Failure>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        std::thread::scope(|scope| {
            let host = scope.spawn(|| {
                let (mut connection, _) = listener.accept().expect("a connection");
                let mut seen = Vec::new();
                while !seen.ends_with(b"\r\n\r\n{}") {
                    let mut byte = [0];
                    connection.read_exact(&mut byte).expect("a request");
                    seen.extend(byte);
                }
                connection.write_all(answer.as_bytes()).expect("the client listens");
                String::from_utf8(seen).expect("text")
            });
            let sent = send(&target(&listener), Method::POST, "/services/a/call/b", Some("{}".into()));
            (sent, host.join().expect("the host"))
        })
    }

    #[test]
    fn a_request_carries_the_token_and_gets_the_body() {
        let (answer, seen) = asked("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7");
        assert_eq!(answer.expect("an answer"), "7");
        assert!(seen.starts_with("POST /services/a/call/b HTTP/1.1\r\n"), "{seen}");
        assert!(seen.contains(&format!("authorization: Bearer {}\r\n", "ab".repeat(32))), "{seen}");
    }

    #[test]
    fn what_went_wrong_has_a_kind_and_a_next_step() {
        let (refused, _) = asked("HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n");
        assert!(refused.is_err_and(|failure| failure.kind == Kind::Refused));
        let (unauthorized, _) = asked("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
        assert!(unauthorized.is_err_and(|failure| failure.kind == Kind::Unauthorized));
        let (cut, _) = asked("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n7");
        assert!(cut.is_err_and(|failure| failure.kind == Kind::Unreachable));

        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let target = target(&listener);
        drop(listener);
        let failure = send(&target, Method::GET, "/services", None).expect_err("nobody listens");
        assert_eq!(failure.kind, Kind::Unreachable);
        assert!(failure.to_string().contains("Start it with `switchyard up`"), "{failure}");
    }

    #[test]
    fn a_problem_document_is_told_with_its_faults() {
        let check = |answer: &str, said: &str| {
            assert_eq!(refusal(StatusCode::BAD_REQUEST, answer.as_bytes()).to_string(), said, "{answer}");
        };
        check("", "error: 400 Bad Request");
        check("not json", "error: 400 Bad Request");
        check(r#"{"title": "Malformed"}"#, "error: 400 Malformed");
        check(
            r#"{"title": "Malformed", "detail": "no", "errors": [{"field": "/email", "detail": "is missing"}, 3]}"#,
            "error: 400 Malformed: no\n  /email: is missing\n  : ",
        );
    }

    #[test]
    fn a_segment_keeps_what_a_path_can_hold() {
        assert_eq!(segment("create-staff"), "create-staff");
        assert_eq!(segment("shop:a/b@1.0.0.f ä"), "shop%3Aa%2Fb%401.0.0.f%20%C3%A4");
    }
}
