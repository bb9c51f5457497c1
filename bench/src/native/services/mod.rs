//! The shop as five native processes, one for each service: each has its own redb with group commit, and they call one
//! another over HTTP with keep-alive.
//!
//! A checkout makes the same calls in the same order as the shop's cart component, and each of them that writes is
//! durable before it is answered. It has no retries after a crash, and no events.

mod cart;
mod peers;
mod steps;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::bail;
use hyper::body::Incoming;
use hyper::{Method, Request};
use serde_json::Value;
use tokio::net::TcpListener;

use super::operations::{self, Line};
use super::server::{Handler, ITEMS, json, segments, serve};
use super::{Backend as _, Operation, Owner, RedbBackend};
pub(crate) use peers::Peers;

/// Notes of each service that the chain reads, and sessions of customers.
const NOTES: usize = 500;
const SESSIONS: usize = 64;

/// One of the five processes.
struct Service {
    owner: Owner,
    backend: RedbBackend,
    peers: Peers,
    orders: AtomicU64,
}

/// Fills the store of one service, and serves until the process ends.
pub(crate) async fn serve_service(
    listener: TcpListener,
    owner: Owner,
    backend: RedbBackend,
    peers: Peers,
) -> anyhow::Result<()> {
    backend.write(fill(owner)).await?;
    serve(listener, Service { owner, backend, peers, orders: AtomicU64::new(0) }).await
}

/// What a store has from the beginning.
fn fill(owner: Owner) -> Operation {
    let notes = (0..NOTES).map(|number| steps::put_note(owner, number));
    let own: Vec<Operation> = match owner {
        Owner::Account => (0..SESSIONS).map(steps::put_session).collect(),
        Owner::Inventory => (0..ITEMS).map(operations::put_item).collect(),
        Owner::Cart | Owner::Payment | Owner::Shipping => Vec::new(),
    };
    let all: Vec<_> = notes.chain(own).collect();
    Arc::new(move |access| {
        for operation in &all {
            operation(access)?;
        }
        Ok(Vec::new())
    })
}

/// The service that the next note of a chain comes from.
fn next(owner: Owner) -> Option<Owner> {
    match owner {
        Owner::Cart => Some(Owner::Inventory),
        Owner::Inventory => Some(Owner::Payment),
        Owner::Payment => Some(Owner::Shipping),
        Owner::Shipping | Owner::Account => None,
    }
}

impl Handler for Service {
    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<Vec<u8>> {
        let (head, body) = request.into_parts();
        let segments = segments(head.uri.path());
        if let ["chain", key, ..] = segments {
            return self.chain(key).await;
        }
        match self.owner {
            Owner::Account => self.account(&head.method, segments),
            Owner::Inventory => self.inventory(&head.method, segments, body).await,
            Owner::Cart => self.cart(&head.method, segments, body).await,
            Owner::Payment => self.payment(&head.method, segments, body).await,
            Owner::Shipping => self.shipping(&head.method, segments, body).await,
        }
    }
}

impl Service {
    /// Its own note under `key`, and those of the services behind it.
    async fn chain(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        let own: Value = serde_json::from_slice(&self.backend.read(&steps::note(self.owner, key.into()))?)?;
        let mut notes = vec![own];
        if let Some(next) = next(self.owner)
            && let Value::Array(behind) = self.peers.get(next, &format!("/chain/{key}")).await?
        {
            notes.extend(behind);
        }
        Ok(serde_json::to_vec(&notes)?)
    }

    fn account(&self, method: &Method, segments: [&str; 4]) -> anyhow::Result<Vec<u8>> {
        match (method, segments) {
            (&Method::GET, ["sessions", token, ..]) => self.backend.read(&steps::session(token.into())),
            (&Method::GET, ["checkout-details", account, ..]) => {
                self.backend.read(&steps::checkout_details(account.into()))
            }
            _ => bail!("no such route"),
        }
    }

    async fn inventory(&self, method: &Method, segments: [&str; 4], body: Incoming) -> anyhow::Result<Vec<u8>> {
        match (method, segments) {
            (&Method::GET, ["prices", sku, ..]) => self.backend.read(&steps::price(sku.into())),
            (&Method::POST, ["reservations", order, "", _]) => {
                let lines: Vec<Line> = json(body).await?;
                self.backend.write(steps::reserve(order.into(), lines)).await
            }
            (&Method::POST, ["reservations", order, "confirm", _]) => {
                self.backend.write(steps::confirm(order.into())).await
            }
            _ => bail!("no such route"),
        }
    }

    async fn payment(&self, method: &Method, segments: [&str; 4], body: Incoming) -> anyhow::Result<Vec<u8>> {
        match (method, segments) {
            (&Method::POST, ["charges", order, ..]) => {
                self.backend.write(steps::charge(order.into(), json(body).await?)).await
            }
            _ => bail!("no such route"),
        }
    }

    async fn shipping(&self, method: &Method, segments: [&str; 4], body: Incoming) -> anyhow::Result<Vec<u8>> {
        match (method, segments) {
            (&Method::POST, ["quotes", ..]) => Ok(serde_json::to_vec(&steps::quotes(&json(body).await?))?),
            (&Method::POST, ["shipments", order, ..]) => {
                self.backend.write(steps::schedule(order.into(), json(body).await?)).await
            }
            _ => bail!("no such route"),
        }
    }

    fn new_order(&self) -> String {
        format!("order-{}", self.orders.fetch_add(1, Ordering::Relaxed))
    }
}
