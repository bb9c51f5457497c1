//! A client of the REST API that keeps each answer, and checks its form.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::document::Document;

/// An answer with its JSON; `null` if it has no body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with `status`.
    ///
    /// # Errors
    ///
    /// When it has another status (the error contains the whole answer), or has not the form of every answer.
    pub fn expect(self, status: u16) -> anyhow::Result<Value> {
        anyhow::ensure!(self.status == status, "expected {status}, got {}: {}", self.status, self.body);
        self.told()?;
        Ok(self.body)
    }

    /// The status and the reported faults: each field by its JSON pointer, each parameter by `?` and its name, then the
    /// decline code. Such as `200`, `422 /email /name`, `400 ?limit`, `402 declined`.
    ///
    /// # Errors
    ///
    /// When it has not the form of every answer.
    pub fn told(&self) -> anyhow::Result<String> {
        well_formed(&self.body).with_context(|| self.body.to_string())?;
        let mut told = self.status.as_u16().to_string();
        if self.status.is_client_error() || self.status.is_server_error() {
            self.is_problem().with_context(|| format!("{} {:?} {}", self.status, self.headers, self.body))?;
        }
        let faults = self.body.get("errors").and_then(Value::as_array);
        anyhow::ensure!(faults.is_none_or(|faults| !faults.is_empty()), "errors where no field is at fault");
        for fault in faults.into_iter().flatten() {
            let place = match (text(fault, "field"), text(fault, "parameter")) {
                (Some(field), None) => field.to_owned(),
                (None, Some(parameter)) => format!("?{parameter}"),
                _ => anyhow::bail!("a fault is at one place: {fault}"),
            };
            anyhow::ensure!(text(fault, "detail").is_some_and(|detail| !detail.is_empty()), "no detail: {fault}");
            told = [&told, " ", &place].concat();
        }
        if let Some(code) = text(&self.body, "declineCode") {
            told = [&told, " ", code].concat();
        }
        Ok(told)
    }

    /// The text of a header, if it occurs once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// Checks that it is a problem document of RFC 9457, and that it belongs to this request.
    fn is_problem(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.header("content-type") == Some("application/problem+json"), "not a problem document");
        for member in ["type", "title", "detail"] {
            anyhow::ensure!(text(&self.body, member).is_some_and(|text| !text.is_empty()), "no {member}");
        }
        let status = self.body.get("status").and_then(Value::as_u64);
        anyhow::ensure!(status == Some(u64::from(self.status.as_u16())), "another status in the body");
        let instance = text(&self.body, "instance");
        anyhow::ensure!(
            instance == self.header("x-request-id") && instance.is_some(),
            "instance is not the request id"
        );
        if matches!(self.status.as_u16(), 429 | 503) {
            let seconds = self.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            anyhow::ensure!(seconds.is_some_and(|seconds| seconds > 0), "no Retry-After");
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            anyhow::ensure!(self.header("allow").is_some(), "no Allow");
        }
        Ok(())
    }
}

/// A text member.
fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

/// Whether all members have camelCase names, and none is `null`: unset members must be absent.
fn well_formed(value: &Value) -> anyhow::Result<()> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            let camel = name.starts_with(|letter: char| letter.is_ascii_lowercase())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            anyhow::ensure!(camel, "{name} is not camelCase");
            anyhow::ensure!(!member.is_null(), "{name} is null");
            well_formed(member)
        }),
        Value::Array(items) => items.iter().try_for_each(well_formed),
        _ => Ok(()),
    }
}

/// Sends requests to one address, without or with a token.
#[derive(Debug, Clone)]
pub struct Client {
    client: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    token: Option<String>,
    document: Option<Arc<Document>>,
}

impl Client {
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { client, address, token: None, document: None }
    }

    /// A client that checks every answer against the shop's OpenAPI document.
    ///
    /// # Errors
    ///
    /// When the shop has no such document.
    pub async fn of_shop(address: SocketAddr) -> anyhow::Result<Self> {
        let client = Self::new(address);
        let document = Document::new(client.ask("GET /openapi.json").await?.body)?;
        Ok(Self { document: Some(Arc::new(document)), ..client })
    }

    /// Where it sends requests.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The OpenAPI document of the shop.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.document.as_deref()
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same client without checks of answers.
    #[must_use]
    pub fn unchecked(&self) -> Self {
        Self { document: None, ..self.clone() }
    }

    /// The same token at another client's address.
    #[must_use]
    pub fn at(&self, other: &Self) -> Self {
        Self { token: self.token.clone(), ..other.clone() }
    }

    /// Sends a request without a body; `line` is its method and path, such as `GET /items`.
    ///
    /// # Errors
    ///
    /// When there is no answer, or one whose body is not JSON.
    pub async fn ask(&self, line: &str) -> anyhow::Result<Answer> {
        self.send_with(line, &[], Bytes::new()).await
    }

    /// Sends `body` as JSON.
    ///
    /// # Errors
    ///
    /// Like [`Client::ask`].
    pub async fn send(&self, line: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send_with(line, &[(CONTENT_TYPE.as_str(), "application/json")], serde_json::to_vec(body)?).await
    }

    /// Sends any bytes with any headers, in addition to the client's headers.
    ///
    /// # Errors
    ///
    /// Like [`Client::ask`].
    pub async fn send_with(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let (method, path) = line.split_once(' ').with_context(|| format!("no method and path: {line}"))?;
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer =
            self.client.request(request.body(Full::new(body.into()))?).await.with_context(|| line.to_owned())?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.into_body().collect().await?.to_bytes();
        let is_lines = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-ndjson");
        let body = match bytes.is_empty() {
            true => Value::Null,
            // Lines are no JSON document: they stay a text.
            false if is_lines => Value::String(String::from_utf8(bytes.to_vec())?),
            false => serde_json::from_slice(&bytes).with_context(|| format!("{line}: {bytes:?}"))?,
        };
        let answer = Answer { status, headers, body };
        if let Some(document) = &self.document {
            document.check(line, &answer)?;
        }
        Ok(answer)
    }
}
