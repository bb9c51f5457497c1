//! A raw `wasi:http` component of 0.2: what it does is in the path of the request.
#![cfg(target_family = "wasm")]
#![allow(unsafe_code, reason = "the export is generated")]

mod actions;

use std::io::{Read as _, Write as _};

use actions::act;
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme, http_error_code,
};
use wasip2::io::streams::{OutputStream, StreamError};

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
        let (path, script) = path.split_once('?').unwrap_or((&path, ""));
        match path.trim_start_matches("/web") {
            "" | "/" => root(respond),
            "/or-break-off" if variant() != b"breaks" => root(respond),
            // Before the answer begins.
            "/act" => {
                let said = act(script);
                write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
            }
            "/act-then-panic" => panic!("after {}", act(script)),
            // One script before the body of the request is read, and one after.
            "/around" => {
                let (before, after) = script.split_once('|').expect("two scripts");
                let before = act(before);
                let body = text(&request.consume().expect("it is taken once"));
                let said = format!("{before}|{}|{}", body.len(), act(after));
                write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
            }
            // After the answer has begun, and the request has come to its end.
            "/act-late" => write(respond, |out| {
                out.write_all(b"begun ").expect("somebody reads");
                out.flush().expect("somebody reads");
                text(&request.consume().expect("it is taken once"));
                out.write_all(act(script).as_bytes()).expect("somebody reads");
            }),
            "/path" => {
                let prefix = request.headers().get("x-forwarded-prefix").concat();
                let path = request.path_with_query().unwrap_or_default();
                let said = format!("{path} {}", String::from_utf8_lossy(&prefix));
                write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
            }
            "/measure" => {
                let said = measure(&request).map_or_else(|error| format!("{error:?}"), |bytes| bytes.to_string());
                write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
            }
            "/measure-or-panic" => {
                let bytes = measure(&request).expect("the body is whole");
                write(respond, |out| out.write_all(bytes.to_string().as_bytes()).expect("somebody reads"));
            }
            // Says so many milliseconds later that it has ended.
            "/slow" => write(respond, |out| {
                out.write_all(b"begun ").expect("somebody reads");
                out.flush().expect("somebody reads");
                let millis: u64 = script.parse().expect("a number");
                monotonic_clock::subscribe_duration(millis * 1_000_000).block();
                out.write_all(b"ended").expect("somebody reads");
            }),
            // Begins an answer, and does not finish it.
            "/abort" => {
                let response = OutgoingResponse::new(Fields::new());
                let body = response.body().expect("it is taken once");
                ResponseOutparam::set(respond, Ok(response));
                drop(body);
            }
            "/handles" => {
                let handles: Vec<_> = (0..script.parse().expect("a number")).map(|_| Fields::new()).collect();
                let said = handles.len().to_string();
                write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
            }
            "/echo" => echo(&request, respond),
            "/break-off" | "/or-break-off" => write(respond, |out| {
                out.write_all(b"begun").expect("somebody reads");
                out.flush().expect("somebody reads");
                panic!("broke off");
            }),
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

/// Answers the request that a verdict sends too, as far as this component can.
fn root(respond: ResponseOutparam) {
    match variant() {
        b"broken" => panic!("it is broken"),
        b"writes" => drop(act("set=scratch:1")),
        b"fetches" => drop(send("127.0.0.1:9").expect("the other host answers")),
        _ => {}
    }
    write(respond, |out| out.write_all(b"ready").expect("somebody reads"));
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
    let outcome = send(&authority);
    let said = match outcome {
        Ok(response) => format!("{} {}", response.status(), text(&response.consume().expect("it is taken once"))),
        Err(error) => failed(error),
    };
    write(respond, |out| out.write_all(said.as_bytes()).expect("somebody reads"));
}

/// Sends a request to `authority`.
fn send(authority: &str) -> Result<IncomingResponse, ErrorCode> {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
    outgoing.set_authority(Some(authority)).expect("the test names an authority");
    outgoing.set_path_with_query(Some("/hello")).expect("it is a path");
    outgoing_handler::handle(outgoing, None).and_then(|response| {
        response.subscribe().block();
        response.get().expect("it is there").expect("it is taken once")
    })
}

/// The length of the body, or why it ended before its end.
fn measure(request: &IncomingRequest) -> Result<usize, Option<ErrorCode>> {
    let body = request.consume().expect("it is taken once");
    let stream = body.stream().expect("it is taken once");
    let mut bytes = 0;
    loop {
        match stream.blocking_read(65_536) {
            Ok(piece) => bytes += piece.len(),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(http_error_code(&error)),
        }
    }
}

fn text(body: &IncomingBody) -> String {
    let mut text = String::new();
    let mut stream = body.stream().expect("it is taken once");
    stream.read_to_string(&mut text).expect("it is text");
    text
}
