//! Request heads over HTTP/2 that are too large: the host answers those up to four times its limit, and the HTTP library
//! all others.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2::SendRequest;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::rig::Rig;

/// The limit of these tests: the smallest one.
const LIMIT: usize = 8 * 1024;

async fn rig() -> Rig {
    Rig::start(|settings| settings.header_bytes_max = LIMIT).await
}

/// A connection that speaks HTTP/2 with prior knowledge.
async fn connect(rig: &Rig) -> SendRequest<Empty<Bytes>> {
    let io = TokioIo::new(rig.connect().await);
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    rig.tasks.spawn("client", async move { drop(connection.await) });
    sender
}

/// Sends `GET /notes/n-1` with fields of `bytes` more, each of about a kilobyte.
async fn ask(sender: &mut SendRequest<Empty<Bytes>>, bytes: usize) -> hyper::Result<Response<hyper::body::Incoming>> {
    sender.ready().await?;
    let mut request = Request::builder().uri("http://t/notes/n-1");
    for number in 0..bytes / 1024 {
        // RFC 9113, section 10.5.1: 32 more bytes for each field.
        let name = format!("x-{number:04}");
        let value = "x".repeat(1024 - 32 - name.len());
        request = request.header(name, value);
    }
    sender.send_request(request.body(Empty::new()).expect("a request")).await
}

#[tokio::test]
async fn a_head_up_to_the_limit_is_served_and_one_up_to_four_times_the_limit_gets_a_problem_document() {
    let rig = rig().await;
    let mut sender = connect(&rig).await;
    let served = ask(&mut sender, LIMIT - 1024).await.expect("an answer");
    assert_eq!(served.status(), StatusCode::OK);
    for bytes in [LIMIT, 2 * LIMIT, 4 * LIMIT - 1024] {
        let refused = ask(&mut sender, bytes).await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{bytes}");
        assert_eq!(refused.headers()["content-type"], "application/problem+json", "{bytes}");
        assert!(refused.headers().contains_key("x-request-id"), "{bytes}");
        let body = refused.into_body().collect().await.expect("a body").to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["status"], 431, "{bytes}");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains(&LIMIT.to_string()), "{detail}");
    }
    assert_eq!(ask(&mut sender, 0).await.expect("an answer").status(), StatusCode::OK, "the connection goes on");
}

#[tokio::test]
async fn a_head_above_four_times_the_limit_gets_a_status_alone_and_never_reaches_the_host() {
    let rig = rig().await;
    let mut sender = connect(&rig).await;
    for bytes in [4 * LIMIT + 1024, 6 * LIMIT] {
        let refused = ask(&mut sender, bytes).await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "{bytes}");
        assert!(!refused.headers().contains_key("x-request-id"), "{bytes}: {:?}", refused.headers());
        let body = refused.into_body().collect().await.map(http_body_util::Collected::to_bytes);
        assert!(body.is_ok_and(|body| body.is_empty()), "{bytes}");
        assert_eq!(ask(&mut sender, 0).await.expect("an answer").status(), StatusCode::OK, "the connection goes on");
    }
}

#[tokio::test]
async fn a_head_without_end_costs_its_connection_and_no_other() {
    let rig = rig().await;
    let mut other = connect(&rig).await;
    assert_eq!(ask(&mut other, 0).await.expect("an answer").status(), StatusCode::OK);
    let mut sender = connect(&rig).await;
    assert!(ask(&mut sender, 1 << 20).await.is_err(), "the library ends the connection");
    assert!(ask(&mut sender, 0).await.is_err(), "and it stays ended");
    assert_eq!(ask(&mut other, 0).await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(ask(&mut connect(&rig).await, 0).await.expect("an answer").status(), StatusCode::OK);
    let asked = rig.callback.keys.lock().expect("no test panics with it").len();
    assert_eq!(asked, 3, "only the whole requests reach the host");
}
