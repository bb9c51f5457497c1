//! A raw `wasi:http` component of 0.2: what it does is in the path of the request.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the export is generated")]

use std::io::{Read as _, Write as _};

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasip2::io::streams::OutputStream;

struct Web;

/// What makes this guest many components: tests write over the text in the finished file.
static VARIANT: &str = "<variant>                       ";

/// What this component says, and no other.
fn variant() -> &'static [u8] {
    // What is in the file is not what the compiler saw.
    std::hint::black_box(VARIANT).trim_start_matches("<variant>").trim().as_bytes()
}

wasip2::http::proxy::export!(Web);

impl Guest for Web {
    fn handle(request: IncomingRequest, respond: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match path.trim_start_matches("/web") {
            "/echo" => echo(&request, respond),
            "/break-off" => {
                write(respond, |out| out.write_all(b"begun").expect("somebody reads"));
                panic!("broke off");
            }
            "/variant" => write(respond, |out| out.write_all(variant()).expect("somebody reads")),
            "/variant-after" => variant_after(&request, respond),
            "/panic" => panic!("no answer"),
            "/silence" => {}
            "/spin" => loop {
                std::hint::black_box(());
            },
            "/fetch" => fetch(&request, respond, |error| format!("{error:?}")),
            "/fetch-or-fail" => fetch(&request, respond, |error| panic!("{error:?}")),
            "/greeting" => write(respond, |out| {
                let greeting = std::env::var("GREETING").unwrap_or_default();
                out.write_all(greeting.as_bytes()).expect("somebody reads");
            }),
            other => panic!("no such path: {other}"),
        }
    }
}

/// Answers with what `body` writes.
fn write(respond: ResponseOutparam, body: impl FnOnce(&mut OutputStream)) {
    let response = OutgoingResponse::new(Fields::new());
    let out = response.body().expect("it is taken once");
    ResponseOutparam::set(respond, Ok(response));
    {
        let mut stream = out.write().expect("it is taken once");
        body(&mut stream);
        stream.flush().expect("somebody reads");
    }
    OutgoingBody::finish(out, None).expect("the body is whole");
}

/// Answers with the body of the request, piece by piece.
fn echo(request: &IncomingRequest, respond: ResponseOutparam) {
    write(respond, |out| {
        let body = request.consume().expect("it is taken once");
        let stream = body.stream().expect("it is taken once");
        while let Ok(piece) = stream.blocking_read(4096) {
            out.write_all(&piece).expect("somebody reads");
            out.flush().expect("somebody reads");
        }
    });
}

/// Begins the answer, and ends it with what this component says when the request has come to its end.
fn variant_after(request: &IncomingRequest, respond: ResponseOutparam) {
    write(respond, |out| {
        out.write_all(b"begun ").expect("somebody reads");
        out.flush().expect("somebody reads");
        text(&request.consume().expect("it is taken once"));
        out.write_all(variant()).expect("somebody reads");
    });
}

/// Sends a request to the authority that the body names, and answers with its status or what `failed` gives.
fn fetch(request: &IncomingRequest, respond: ResponseOutparam, failed: fn(ErrorCode) -> String) {
    let authority = text(&request.consume().expect("it is taken once"));
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
    outgoing.set_authority(Some(&authority)).expect("the test names an authority");
    outgoing.set_path_with_query(Some("/hello")).expect("it is a path");
    let outcome = outgoing_handler::handle(outgoing, None).and_then(|response| {
        response.subscribe().block();
        response.get().expect("it is there").expect("it is taken once")
    });
    let said = match outcome {
        Ok(response) => format!("{} {}", response.status(), text(&response.consume().expect("it is taken once"))),
        Err(error) => failed(error),
    };
    write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
}

fn text(body: &IncomingBody) -> String {
    let mut text = String::new();
    let mut stream = body.stream().expect("it is taken once");
    stream.read_to_string(&mut text).expect("it is text");
    text
}
