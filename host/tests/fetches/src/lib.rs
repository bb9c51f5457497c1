//! A guest that keeps a contract and sends requests outside.
#![cfg(target_family = "wasm")]

mod bindings;

use std::io::Read as _;

use bindings::exports::test::fetches::fetches;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, OutgoingRequest, Scheme};

struct Guest;

impl fetches::Guest for Guest {
    fn fetch(authority: String) -> String {
        if let Some((count, authority)) = authority.split_once('*') {
            return fetch_at_once(count.parse().expect("it is a number"), authority);
        }
        let (authority, fails) = authority.strip_suffix('!').map_or((&*authority, false), |rest| (rest, true));
        match begin(authority).and_then(|response| outcome(&response)) {
            Ok(response) => format!("{} {}", response.status(), text(&response)),
            Err(error) if fails => panic!("{error:?}"),
            Err(error) => format!("{error:?}"),
        }
    }
}

/// Begins all requests before it reads the first response; gives the outcomes in order, equal neighbours as one.
fn fetch_at_once(count: usize, authority: &str) -> String {
    let begun: Vec<_> = (0..count).map(|_| begin(authority)).collect();
    let outcomes = begun.into_iter().map(|begun| match begun.and_then(|response| outcome(&response)) {
        Ok(response) => format!("{} {}", response.status(), text(&response)),
        Err(error) => format!("{error:?}"),
    });
    let outcomes: Vec<_> = outcomes.collect();
    let runs = outcomes.chunk_by(|one, next| one == next);
    runs.map(|run| format!("{} x {}", run.len(), run[0])).collect::<Vec<_>>().join(", ")
}

fn begin(authority: &str) -> Result<FutureIncomingResponse, ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("http is a scheme");
    request.set_authority(Some(authority)).expect("the test names an authority");
    request.set_path_with_query(Some("/hello")).expect("it is a path");
    outgoing_handler::handle(request, None)
}

fn outcome(response: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    response.subscribe().block();
    response.get().expect("it is there").expect("it is taken once")
}

fn text(response: &IncomingResponse) -> String {
    let body = response.consume().expect("it is taken once");
    let mut text = String::new();
    body.stream().expect("it is taken once").read_to_string(&mut text).expect("it is text");
    text
}
