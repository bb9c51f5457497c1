//! A client of one side of a host: what it sends, and what it is told.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Request};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

type Connections = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

/// Sends to one address, with a token or without. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Client {
    connections: Connections,
    address: SocketAddr,
    headers: Vec<(String, String)>,
}

/// What came back; `body` is null where there is none, and a text where it is no JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that has `status`.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// What a problem document says of one.
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::from_address(address, None)
    }

    /// One whose connections come from `source`: to the host it is a client of its own.
    pub(crate) fn from_address(address: SocketAddr, source: Option<IpAddr>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_local_address(source);
        let connections = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
        Self { connections, address, headers: Vec::new() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn with_header(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.retain(|(known, _)| known != name);
        with.headers.push((name.into(), value.into()));
        with
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        self.with_header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// The token that it was given last.
    pub(super) fn token(&self) -> String {
        let (_, value) = self.headers.iter().find(|(name, _)| *name == AUTHORIZATION.as_str()).unwrap();
        value.replace("Bearer ", "")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send("POST", path, body).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.try_post_json(path, body).await.unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// As [`Client::post_json`], to a host that may be gone.
    pub(crate) async fn try_post_json(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        self.with_header("content-type", "application/json").try_send("POST", path, body.to_string()).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.try_send(method, path, body).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// As [`Client::send`], of a host that may be gone.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = self.connections.request(request.body(Full::new(body.into()))?).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.into_body().collect().await?.to_bytes();
        let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap_or_else(|_| text()) };
        Ok(Answer { status, headers, body })
    }
}

/// `text` as it stands in a query.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
