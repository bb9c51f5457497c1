//! Writes at a fixed rate, all over the store: each has its time, whether or not the one before it was answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{Shop, WRITES_PER_SECOND, items};
use crate::load::{Connection, request};

/// Connections that take turns: enough for a second and a half in which nothing is answered.
const CONNECTIONS: u32 = 64;

/// A prime number: steps of this size visit all items in an order without a pattern that matters.
const STEP: u64 = 2_654_435_761;

/// Writes that are being sent.
pub(super) struct Writes {
    stop: Arc<AtomicBool>,
    connections: JoinSet<anyhow::Result<Sent>>,
}

/// The outcome of writes.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// From the time at which each was due, in ascending order once all have ended.
    latencies: Vec<Duration>,
    pub(super) refused: u32,
}

impl Writes {
    /// Begins to send writes.
    pub(super) fn start(shop: &Shop) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut connections, begin) = (JoinSet::new(), Instant::now());
        for connection in 0..CONNECTIONS {
            let writes = Connected {
                address: shop.server.address,
                staff: shop.staff.clone(),
                entities: shop.entities,
                first: connection,
                begin,
                stop: Arc::clone(&stop),
            };
            connections.spawn(writes.send());
        }
        Self { stop, connections }
    }

    /// Ends when a write has failed in a way that no answer tells.
    pub(super) async fn stop(mut self) -> anyhow::Result<Sent> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Sent::default();
        while let Some(sent) = self.connections.join_next().await {
            let Sent { latencies, refused } = sent??;
            all.latencies.extend(latencies);
            all.refused += refused;
        }
        all.latencies.sort_unstable();
        Ok(all)
    }
}

impl Sent {
    pub(super) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// The latency in milliseconds that a `share` (0 to 1) of the writes did not exceed.
    pub(super) fn millis(&self, share: f64) -> f64 {
        let position = (self.latencies.len().saturating_sub(1) as f64 * share).round() as usize;
        self.latencies.get(position).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

/// One connection's share of the writes.
struct Connected {
    address: SocketAddr,
    staff: String,
    entities: u32,
    /// The number of its first write.
    first: u32,
    begin: Instant,
    stop: Arc<AtomicBool>,
}

impl Connected {
    async fn send(self) -> anyhow::Result<Sent> {
        let mut connection = Connection::open(self.address).await?;
        let (mut bytes, mut sent) = (Vec::new(), Sent::default());
        let body = json!({ "quantity": 1 }).to_string();
        for number in (self.first..).step_by(CONNECTIONS as usize) {
            let item = u64::from(number) * STEP % u64::from(self.entities.max(1));
            let path = format!("/items/{}/receipts", items::sku(item as u32));
            request(&mut bytes, "POST", &path, Some(&self.staff), Some(&body));
            let due = self.begin + Duration::from_secs_f64(f64::from(number) / f64::from(WRITES_PER_SECOND));
            sleep_until(due).await;
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            match connection.send(&bytes).await?.status {
                200..300 => sent.latencies.push(due.elapsed()),
                _ => sent.refused += 1,
            }
        }
        Ok(sent)
    }
}
