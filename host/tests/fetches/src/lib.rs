//! A guest that keeps a contract and sends requests outside.
#![cfg(target_family = "wasm")]

mod bindings;

use std::io::Read as _;

use bindings::exports::test::fetches::fetches;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{Fields, IncomingResponse, OutgoingRequest, Scheme};

struct Guest;

impl fetches::Guest for Guest {
    fn fetch(authority: String) -> String {
        let (authority, fails) = authority.strip_suffix('!').map_or((&*authority, false), |rest| (rest, true));
        let request = OutgoingRequest::new(Fields::new());
        request.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
        request.set_authority(Some(authority)).expect("the test names an authority");
        request.set_path_with_query(Some("/hello")).expect("it is a path");
        let outcome = outgoing_handler::handle(request, None).and_then(|response| {
            response.subscribe().block();
            response.get().expect("it is there").expect("it is taken once")
        });
        match outcome {
            Ok(response) => format!("{} {}", response.status(), text(&response)),
            Err(error) if fails => panic!("{error:?}"),
            Err(error) => format!("{error:?}"),
        }
    }
}

fn text(response: &IncomingResponse) -> String {
    let body = response.consume().expect("it is taken once");
    let mut text = String::new();
    body.stream().expect("it is taken once").read_to_string(&mut text).expect("it is text");
    text
}
