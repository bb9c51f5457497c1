//! One request to the operator API: its address, its options and its body.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;

use super::http::{self, Answer};
use super::target::Target;
use super::upload::Upload;
use crate::cli::arguments::Period;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::progress::Progress;
use crate::cli::releases::component::Component;

/// Carries the signature of the component in the request body.
const SIGNATURE_HEADER: &str = "switchyard-signature";

#[derive(Debug)]
pub(in crate::cli) struct Request {
    method: Method,
    /// Path and query, encoded.
    address: String,
    headers: Vec<(&'static str, String)>,
    content: Bytes,
    progress: Progress,
    /// How long the request asks the host to wait before it begins.
    additional_wait: Duration,
}

impl Request {
    pub(in crate::cli) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(in crate::cli) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    pub(in crate::cli) fn put(path: &[&str]) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(in crate::cli) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// A request for the resource at the segments of `path`; each segment may be any text.
    fn new(method: Method, path: &[&str]) -> Self {
        let address = path.iter().map(|segment| format!("/{}", encoded(segment))).collect();
        Self {
            method,
            address,
            headers: Vec::new(),
            content: Bytes::new(),
            progress: Progress::hidden(),
            additional_wait: Duration::ZERO,
        }
    }

    /// Adds an option for each of `values`; there may be none.
    pub(in crate::cli) fn query<T: fmt::Display>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for value in values {
            let separator = if self.address.contains('?') { '&' } else { '?' };
            self.address.push_str(&format!("{separator}{name}={}", encoded(&value.to_string())));
        }
        self
    }

    /// Adds a flag if `said` is true.
    pub(in crate::cli) fn flag(self, name: &str, said: bool) -> Self {
        self.query(name, said.then_some(true))
    }

    /// Asks the host to wait for unfinished calls, at most this long.
    pub(in crate::cli) fn after_intents(mut self, wait: Option<Period>) -> Self {
        self.additional_wait = wait.map_or(Duration::ZERO, Period::duration);
        self.query("afterIntents", wait)
    }

    pub(in crate::cli) fn body(mut self, content_type: &'static str, content: Bytes) -> Self {
        self.headers.push((CONTENT_TYPE.as_str(), content_type.into()));
        self.content = content;
        self
    }

    pub(in crate::cli) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().into())
    }

    /// Sends `component` and shows the progress of the upload, then that the host does `then`.
    pub(in crate::cli) fn component(mut self, component: &Component, then: impl Into<String>) -> Self {
        self.progress = Progress::upload(&component.name, component.content.len(), then);
        let signature = component.signature.map(|signature| (SIGNATURE_HEADER, signature.to_string()));
        self.headers.extend(signature);
        self.body("application/wasm", component.content.clone())
    }

    /// Sends the request and returns the answer, which may be a refusal.
    pub(in crate::cli) fn send(self, target: &Target) -> Result<Answer, Failure> {
        http::runtime()?.block_on(self.exchange(target))
    }

    /// Like [`send`](Self::send), for a caller that sends several requests.
    pub(in crate::cli) async fn exchange(self, target: &Target) -> Result<Answer, Failure> {
        let (progress, additional_wait) = (self.progress.clone(), self.additional_wait);
        let answer = http::exchange(self.into_http(target)?, target, additional_wait).await;
        progress.end();
        answer
    }

    /// Sends the request and calls `take` with each line of the answer as it arrives. Returns the answer only if it is
    /// a refusal.
    pub(in crate::cli) fn follow(
        self,
        target: &Target,
        take: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<Option<Answer>, Failure> {
        http::runtime()?.block_on(http::follow(self.into_http(target)?, target, take))
    }

    fn into_http(self, target: &Target) -> Result<hyper::Request<Upload>, Failure> {
        let mut request = hyper::Request::builder()
            .method(self.method)
            .uri(format!("{}{}", target.url, self.address))
            .header(AUTHORIZATION, format!("Bearer {}", target.token.reveal()))
            .header(ACCEPT, "application/json");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let body = Upload::new(self.content, self.progress);
        request.body(body).map_err(|error| {
            Failure::new(Kind::Usage, error).next("Write --admin as http://ADDRESS:PORT or https://NAME:PORT.")
        })
    }
}

/// Encodes `text` as one segment of a path, or one value of a query.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}
