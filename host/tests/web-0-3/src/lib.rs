//! A raw `wasi:http` component of 0.3: what it does is in the path of the request.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the export is generated")]

#[path = "../../web-0-2/src/actions.rs"]
mod actions;

use actions::act;
use wasip3::clocks::monotonic_clock;
use wasip3::exports::http::handler::Guest;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::{StreamReader, StreamResult, StreamWriter, spawn_local};
use wasip3::{wit_future, wit_stream};

struct Web;

/// What makes this guest many components: tests write over the text in the finished file.
static VARIANT: &str = "<variant>                       ";

/// What this component says, and no other.
fn variant() -> &'static [u8] {
    // What is in the file is not what the compiler saw.
    std::hint::black_box(VARIANT).trim_start_matches("<variant>").trim().as_bytes()
}

wasip3::http::service::export!(Web);

impl Guest for Web {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let (path, script) = path.split_once('?').unwrap_or((&path, ""));
        let script = script.to_owned();
        match path.trim_start_matches("/web") {
            "" | "/" => root().await,
            "/or-break-off" if variant() != b"breaks" => root().await,
            // Before the answer begins.
            "/act" => Ok(say(act(&script))),
            "/act-then-panic" => panic!("after {}", act(&script)),
            // One script before the body of the request is read, and one after.
            "/around" => {
                let (before, after) = script.split_once('|').expect("two scripts");
                let before = act(before);
                let body = body(request).collect().await;
                Ok(say(format!("{before}|{}|{}", body.len(), act(after))))
            }
            // After the answer has begun, and the request has come to its end.
            "/act-late" => {
                let body = body(request);
                Ok(respond(async move |mut out| {
                    out.write_all(b"begun ".to_vec()).await;
                    body.collect().await;
                    drop(out.write_all(act(&script).into_bytes()).await);
                }))
            }
            "/path" => {
                let prefix = request.get_headers().get("x-forwarded-prefix").concat();
                let path = request.get_path_with_query().unwrap_or_default();
                Ok(say(format!("{path} {}", String::from_utf8_lossy(&prefix))))
            }
            "/measure" => {
                let said = measure(request).await.map_or_else(|error| format!("{error:?}"), |bytes| bytes.to_string());
                Ok(say(said))
            }
            "/measure-or-panic" => Ok(say(measure(request).await.expect("the body is whole").to_string())),
            // Says so many milliseconds later that it has ended.
            "/slow" => Ok(respond(async move |mut out| {
                out.write_all(b"begun ".to_vec()).await;
                let millis: u64 = script.parse().expect("a number");
                monotonic_clock::wait_for(millis * 1_000_000).await;
                drop(out.write_all(b"ended".to_vec()).await);
            })),
            // Begins an answer, and ends it with an error.
            "/abort" => {
                let (out, body) = wit_stream::new();
                let (_, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
                drop(out);
                Ok(Response::new(Fields::new(), Some(body), trailers).0)
            }
            "/handles" => {
                let handles: Vec<_> = (0..script.parse().expect("a number")).map(|_| Fields::new()).collect();
                Ok(say(handles.len().to_string()))
            }
            "/echo" => {
                let mut body = body(request);
                Ok(respond(async move |mut out| {
                    loop {
                        let (result, piece) = body.read(Vec::with_capacity(4096)).await;
                        if !piece.is_empty() {
                            out.write_all(piece).await;
                        }
                        if !matches!(result, StreamResult::Complete(_)) {
                            break;
                        }
                    }
                }))
            }
            "/break-off" | "/or-break-off" => Ok(respond(async |mut out| {
                out.write_all(b"begun".to_vec()).await;
                panic!("broke off");
            })),
            "/variant" => Ok(respond(async |mut out| drop(out.write_all(variant().to_vec()).await))),
            // It begins the answer, and ends it with what this component says when the request has come to its end.
            "/variant-after" => {
                let body = body(request);
                Ok(respond(async move |mut out| {
                    out.write_all(b"begun ".to_vec()).await;
                    body.collect().await;
                    drop(out.write_all(variant().to_vec()).await);
                }))
            }
            "/panic" => panic!("no answer"),
            "/silence" => Err(ErrorCode::InternalError(Some("nothing to say".into()))),
            "/spin" => loop {
                std::hint::black_box(());
            },
            "/fetch" => {
                let said = fetch(request).await.unwrap_or_else(|error| format!("{error:?}"));
                Ok(respond(async move |mut out| drop(out.write_all(said.into_bytes()).await)))
            }
            // Its error stands for a response.
            "/fetch-or-fail" => {
                let said = fetch(request).await?;
                Ok(respond(async move |mut out| drop(out.write_all(said.into_bytes()).await)))
            }
            "/greeting" => Ok(respond(async |mut out| {
                drop(out.write_all(std::env::var("GREETING").unwrap_or_default().into_bytes()).await);
            })),
            other => panic!("no such path: {other}"),
        }
    }
}

/// Answers the request that a verdict sends too, as far as this component can.
async fn root() -> Result<Response, ErrorCode> {
    match variant() {
        b"broken" => panic!("it is broken"),
        b"writes" => drop(act("set=scratch:1")),
        b"fetches" => drop(send("127.0.0.1:9").await?),
        _ => {}
    }
    Ok(say("ready".into()))
}

/// A response whose body is what `write` writes, which goes on when the response has begun.
fn respond(write: impl AsyncFnOnce(StreamWriter<u8>) + 'static) -> Response {
    let (out, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    spawn_local(async move { write(out).await });
    response
}

/// A response whose body is `text`.
fn say(text: String) -> Response {
    respond(async move |mut out| drop(out.write_all(text.into_bytes()).await))
}

/// The length of the body, or why it ended before its end.
async fn measure(request: Request) -> Result<usize, Option<ErrorCode>> {
    let (_, read) = wit_future::new(|| Ok(()));
    let (body, end) = Request::consume_body(request, read);
    let bytes = body.collect().await.len();
    end.await.map(|_trailers| bytes).map_err(Some)
}

fn body(request: Request) -> StreamReader<u8> {
    let (_, read) = wit_future::new(|| Ok(()));
    Request::consume_body(request, read).0
}

/// Sends a request to the authority that the body names, and gives its status or its error.
async fn fetch(request: Request) -> Result<String, ErrorCode> {
    let authority = String::from_utf8(body(request).collect().await).unwrap_or_default();
    let response = send(&authority).await?;
    let status = response.get_status_code();
    let (_, read) = wit_future::new(|| Ok(()));
    let body = Response::consume_body(response, read).0.collect().await;
    Ok(format!("{status} {}", String::from_utf8_lossy(&body)))
}

/// Sends a request to `authority`.
async fn send(authority: &str) -> Result<Response, ErrorCode> {
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (outgoing, _sent) = Request::new(Fields::new(), None, trailers, None);
    outgoing.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
    outgoing.set_authority(Some(authority)).expect("the test names an authority");
    outgoing.set_path_with_query(Some("/hello")).expect("it is a path");
    client::send(outgoing).await
}
