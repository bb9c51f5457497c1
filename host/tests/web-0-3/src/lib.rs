//! A raw `wasi:http` component of 0.3: what it does is in the path of the request.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the export is generated")]

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
        match path.trim_start_matches("/web") {
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
            "/break-off" => Ok(respond(async |mut out| {
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

/// A response whose body is what `write` writes, which goes on when the response has begun.
fn respond(write: impl AsyncFnOnce(StreamWriter<u8>) + 'static) -> Response {
    let (out, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
    spawn_local(async move { write(out).await });
    response
}

fn body(request: Request) -> StreamReader<u8> {
    let (_, read) = wit_future::new(|| Ok(()));
    Request::consume_body(request, read).0
}

/// Sends a request to the authority that the body names, and gives its status or its error.
async fn fetch(request: Request) -> Result<String, ErrorCode> {
    let authority = String::from_utf8(body(request).collect().await).unwrap_or_default();
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (outgoing, _sent) = Request::new(Fields::new(), None, trailers, None);
    outgoing.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
    outgoing.set_authority(Some(&authority)).expect("the test names an authority");
    outgoing.set_path_with_query(Some("/hello")).expect("it is a path");
    let response = client::send(outgoing).await?;
    let status = response.get_status_code();
    let (_, read) = wit_future::new(|| Ok(()));
    let body = Response::consume_body(response, read).0.collect().await;
    Ok(format!("{status} {}", String::from_utf8_lossy(&body)))
}
