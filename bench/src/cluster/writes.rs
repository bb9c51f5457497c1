//! Writes through all hosts: each has a key, and is sent until it is acknowledged. What was acknowledged is checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::nodes::{Cluster, NODES};
use crate::load::Connection;
use crate::shop::{ask, sku};

/// Clients, a third of them at each host.
const WRITERS: usize = 12;

/// Items that only one client receives goods for.
const ITEMS_EACH: usize = 20;

/// Items on sale.
pub(super) const ITEMS: usize = WRITERS * ITEMS_EACH;

/// The stock that each item begins with.
const STOCK: u64 = 1_000_000;

/// The time between two writes of a client: 600 a second in all, so that the two cores are not the limit.
const WRITE_EVERY: Duration = Duration::from_millis(20);

/// How long a client waits for an answer: longer than a host looks for a leader.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(20);

/// The time until a client sends a refused write again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A write that is not acknowledged in this time blocks, and the run fails.
const BLOCKED_AFTER: Duration = Duration::from_secs(90);

/// Writes after which they flow again.
const FLOW: u64 = 20;

/// What was acknowledged, by item.
pub(super) struct Ledger {
    /// The token of a session of the staff.
    staff: String,
    received: Vec<u64>,
    /// Distinguishes the keys of several loads.
    loads: u32,
}

/// The differences between what was acknowledged and what is there.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

impl Ledger {
    pub(super) fn new(staff: String) -> Self {
        Self { staff, received: vec![0; ITEMS], loads: 0 }
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.received.iter().sum()
    }

    /// Compares the stock of each item with what was acknowledged, at every host.
    pub(super) async fn check(&self, cluster: &Cluster) -> anyhow::Result<Wrong> {
        let mut wrong = Wrong::default();
        for host in &cluster.hosts {
            let mut connection = Connection::open(host.public).await?;
            for (number, received) in self.received.iter().enumerate() {
                let item = ask(&mut connection, "GET", &format!("/items/{}", sku(number)), None, None).await?;
                let (found, expected) = (item["available"].as_u64().context("an item has a stock")?, STOCK + received);
                wrong.lost += expected.saturating_sub(found);
                wrong.doubled += found.saturating_sub(expected);
            }
        }
        Ok(wrong)
    }
}

/// The longest time without an acknowledged write of any client.
#[derive(Debug)]
struct Pause {
    last: Instant,
    longest: Duration,
}

/// What the clients see.
#[derive(Debug)]
struct Seen {
    pause: Mutex<Pause>,
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

impl Seen {
    fn acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.longest = pause.longest.max(pause.last.elapsed());
        pause.last = Instant::now();
    }
}

/// Answers that did not acknowledge a write, by status; without an answer: 0.
pub(super) type Refused = BTreeMap<u16, u64>;

/// Clients that write until they are stopped.
pub(super) struct Writes {
    seen: Arc<Seen>,
    clients: JoinSet<anyhow::Result<Written>>,
}

struct Written {
    received: Vec<(usize, u64)>,
    refused: Refused,
}

impl Writes {
    pub(super) fn start(cluster: &Cluster, ledger: &mut Ledger) -> Self {
        let seen = Arc::new(Seen {
            pause: Mutex::new(Pause { last: Instant::now(), longest: Duration::ZERO }),
            acknowledged: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        ledger.loads += 1;
        let hosts: Vec<_> = cluster.hosts.iter().map(|host| host.public).collect();
        let mut clients = JoinSet::new();
        for number in 0..WRITERS {
            let (staff, load) = (ledger.staff.clone(), ledger.loads);
            let client = Client { number, load, hosts: hosts.clone(), staff, seen: Arc::clone(&seen) };
            clients.spawn(client.write());
        }
        Self { seen, clients }
    }

    /// Begins to look for the longest pause from now on.
    pub(super) fn reset(&self) {
        self.seen.pause.lock().unwrap_or_else(PoisonError::into_inner).longest = Duration::ZERO;
    }

    /// The longest time without an acknowledged write since the last reset.
    pub(super) fn longest_pause(&self) -> Duration {
        let pause = self.seen.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.longest.max(pause.last.elapsed())
    }

    /// Waits until writes are acknowledged again.
    pub(super) async fn flow(&self) -> anyhow::Result<()> {
        let (begin, before) = (Instant::now(), self.seen.acknowledged.load(Ordering::Relaxed));
        while self.seen.acknowledged.load(Ordering::Relaxed) < before + FLOW {
            ensure!(begin.elapsed() < BLOCKED_AFTER, "no write is acknowledged for {BLOCKED_AFTER:?}");
            tokio::time::sleep(WRITE_EVERY).await;
        }
        Ok(())
    }

    /// Ends the clients when their last writes are acknowledged, and enters what was acknowledged into `ledger`.
    pub(super) async fn stop(mut self, ledger: &mut Ledger) -> anyhow::Result<Refused> {
        self.seen.stop.store(true, Ordering::Relaxed);
        let mut all = Refused::new();
        while let Some(written) = self.clients.join_next().await {
            let Written { received, refused } = written??;
            received.into_iter().for_each(|(item, count)| ledger.received[item] += count);
            refused.into_iter().for_each(|(status, count)| *all.entry(status).or_default() += count);
        }
        Ok(all)
    }
}

/// One client, with a connection to each host that it has needed.
struct Client {
    number: usize,
    load: u32,
    hosts: Vec<SocketAddr>,
    staff: String,
    seen: Arc<Seen>,
}

impl Client {
    async fn write(self) -> anyhow::Result<Written> {
        let mut connections: [Option<Connection>; NODES] = [const { None }; NODES];
        let mut written = Written { received: Vec::new(), refused: Refused::new() };
        let mut due = interval(WRITE_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for count in 0_usize.. {
            due.tick().await;
            if self.seen.stop.load(Ordering::Relaxed) {
                break;
            }
            let item = self.number * ITEMS_EACH + count % ITEMS_EACH;
            let request = self.request(item, count);
            let begin = Instant::now();
            // A client has a host, and takes the next one while that does not acknowledge.
            for attempt in 0.. {
                let host = (self.number + attempt) % NODES;
                let status = send(&mut connections[host], self.hosts[host], &request).await;
                if (200..300).contains(&status) {
                    break;
                }
                *written.refused.entry(status).or_default() += 1;
                ensure!(begin.elapsed() < BLOCKED_AFTER, "a write is not acknowledged: the last answer is {status}");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            self.seen.acknowledged();
            written.received.push((item, 1));
        }
        Ok(written)
    }

    fn request(&self, item: usize, count: usize) -> Vec<u8> {
        let Self { number, load, staff, .. } = self;
        let body = r#"{"quantity":1}"#;
        format!(
            "POST /items/{}/receipts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {staff}\r\n\
             Idempotency-Key: bench-{load}-{number}-{count}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            sku(item),
            body.len()
        )
        .into_bytes()
    }
}

/// The status of the answer; 0 without one, and the connection is closed.
async fn send(connection: &mut Option<Connection>, host: SocketAddr, request: &[u8]) -> u16 {
    let exchange = async {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(host).await?,
        };
        let status = open.send(request).await?.status;
        *connection = Some(open);
        anyhow::Ok(status)
    };
    timeout(ANSWER_WAIT_MAX, exchange).await.ok().and_then(Result::ok).unwrap_or(0)
}
