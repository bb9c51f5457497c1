//! A client that wants an answer: it asks with one key until it has one, however often the host dies in between.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::{Answer, Client};
use tokio::sync::watch;

use crate::act::Act;
use crate::host::Doors;

/// How long one answer may take, with all the deaths in between.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long one attempt may take: the shop gives up earlier.
const ATTEMPT: Duration = Duration::from_secs(70);

/// How long after an attempt that failed the next one is made.
const PAUSE: Duration = Duration::from_millis(5);

/// A writing operation that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) act: Act,
    pub(crate) key: String,
    /// With the token of who asked.
    pub(crate) client: Client,
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// All that was asked and answered in one shop.
#[derive(Debug, Default)]
pub(crate) struct Record {
    exchanges: Mutex<Vec<Exchange>>,
    attempts: AtomicUsize,
    answered: watch::Sender<usize>,
}

impl Record {
    pub(crate) fn all(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What `read` makes of each exchange, where it makes something of it.
    pub(crate) fn each<T>(&self, read: impl FnMut(&Exchange) -> Option<T>) -> Vec<T> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(read).collect()
    }

    /// How often something was asked, answered or not.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    /// How many answers there are.
    pub(crate) fn answered(&self) -> watch::Receiver<usize> {
        self.answered.subscribe()
    }

    fn add(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        self.answered.send_modify(|count| *count += 1);
    }
}

/// Somebody who asks.
#[derive(Debug)]
pub(crate) struct Asker {
    doors: watch::Receiver<Option<Doors>>,
    record: Arc<Record>,
    /// What all of its keys begin with.
    name: String,
    asked: usize,
}

impl Asker {
    pub(crate) fn new(doors: watch::Receiver<Option<Doors>>, record: Arc<Record>, name: String) -> Self {
        Self { doors, record, name, asked: 0 }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The doors of the host, once it is up.
    pub(crate) async fn doors(&mut self) -> anyhow::Result<Doors> {
        let doors = tokio::time::timeout(PATIENCE, self.doors.wait_for(Option::is_some)).await;
        doors.context("the host is down for too long")??.clone().context("the doors are open")
    }

    /// A key that nobody else has.
    pub(crate) fn key(&mut self) -> String {
        self.asked += 1;
        format!("{}-{}", self.name, self.asked)
    }

    /// Does `act` as who has the token of `client`, and gives the answer.
    pub(crate) async fn act(&mut self, client: &Client, act: Act) -> anyhow::Result<Exchange> {
        let key = self.key();
        let answer = self.insist(&act, &key, client).await.with_context(|| format!("{act:?} under the key {key}"))?;
        let (status, body) = (answer.status.as_u16(), answer.body);
        let exchange = Exchange { act, key, client: client.clone(), status, body };
        self.record.add(exchange.clone());
        Ok(exchange)
    }

    async fn insist(&mut self, act: &Act, key: &str, client: &Client) -> anyhow::Result<Answer> {
        let until = Instant::now() + PATIENCE;
        loop {
            let doors = self.doors().await?;
            self.record.attempts.fetch_add(1, Ordering::Relaxed);
            let failure = match once(&client.at(&doors.public), act, key).await {
                Ok(answer) if is_kept(answer.status.as_u16()) => return Ok(answer),
                Ok(answer) => anyhow::anyhow!("{} {}", answer.status, answer.body),
                Err(lost) => lost,
            };
            if Instant::now() > until {
                return Err(failure.context("no answer"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads `line`, however often that takes.
    pub(crate) async fn read(&mut self, line: &str, side: impl Fn(&Doors) -> Client) -> anyhow::Result<Answer> {
        let until = Instant::now() + PATIENCE;
        loop {
            let client = side(&self.doors().await?);
            match tokio::time::timeout(ATTEMPT, client.ask(line)).await {
                Ok(Ok(answer)) if answer.status.as_u16() < 500 => return Ok(answer),
                _ if Instant::now() > until => anyhow::bail!("no answer to {line}"),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// Whether an answer with `status` is that of its key for good; after another one it may be tried again.
fn is_kept(status: u16) -> bool {
    status < 500 && status != 429
}

/// Asks once, with the key.
pub(crate) async fn once(client: &Client, act: &Act, key: &str) -> anyhow::Result<Answer> {
    send(client, act, &[("idempotency-key", key)], key).await
}

/// Asks once, without a key.
pub(crate) async fn without_key(client: &Client, act: &Act) -> anyhow::Result<Answer> {
    send(client, act, &[], "").await
}

async fn send(client: &Client, act: &Act, headers: &[(&str, &str)], key: &str) -> anyhow::Result<Answer> {
    let (line, body) = act.request(key);
    let mut headers = headers.to_vec();
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let bytes = body.map(|body| body.to_string()).unwrap_or_default();
    tokio::time::timeout(ATTEMPT, client.send_with(&line, &headers, bytes)).await.context("it takes too long")?
}
