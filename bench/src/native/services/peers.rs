//! The other processes, and connections to them that stay open.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::ValueEnum as _;
use http_body_util::{BodyExt as _, Full};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::native::Owner;

pub(crate) struct Peers {
    client: Client<HttpConnector, Full<Bytes>>,
    addresses: BTreeMap<Owner, SocketAddr>,
}

impl Peers {
    /// Each of `peers` is a service and its address, such as `account=127.0.0.1:4000`.
    pub(crate) fn parse(peers: &[String]) -> anyhow::Result<Self> {
        let mut addresses = BTreeMap::new();
        for peer in peers {
            let (name, address) = peer.split_once('=').context("a peer is SERVICE=ADDRESS")?;
            let owner = Owner::from_str(name, false).map_err(anyhow::Error::msg)?;
            addresses.insert(owner, address.parse()?);
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), addresses })
    }

    pub(super) async fn get(&self, service: Owner, path: &str) -> anyhow::Result<Value> {
        self.send(service, Method::GET, path, Bytes::new()).await
    }

    pub(super) async fn post(&self, service: Owner, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(service, Method::POST, path, body.to_string().into()).await
    }

    async fn send(&self, service: Owner, method: Method, path: &str, body: Bytes) -> anyhow::Result<Value> {
        let address = self.addresses.get(&service).with_context(|| format!("no address of {}", service.name()))?;
        let request = Request::builder().method(method).uri(format!("http://{address}{path}"));
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body))?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{} {path}: {status} {}", service.name(), String::from_utf8_lossy(&answer));
        Ok(serde_json::from_slice(&answer)?)
    }
}
