//! A client that needs an answer: it repeats a request with one key until it gets one, however often the host dies
//! meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::{Answer, Client};
use tokio::sync::watch;

use crate::act::Act;
use crate::host::{Doors, Entrances};

/// The longest time for one answer, with all deaths of the host meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest time for one attempt: the shop gives up earlier.
const ATTEMPT: Duration = Duration::from_secs(70);

/// The time between a failed attempt and the next one.
const PAUSE: Duration = Duration::from_millis(5);

/// A writing operation and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) act: Act,
    pub(crate) key: String,
    /// With the token of the client that sent it.
    pub(crate) client: Client,
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// All requests and answers in one shop.
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

    /// The results of `read` for each exchange, without `None`.
    pub(crate) fn each<T>(&self, read: impl FnMut(&Exchange) -> Option<T>) -> Vec<T> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(read).collect()
    }

    /// The number of requests sent, answered or not.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    /// The number of answers.
    pub(crate) fn answered(&self) -> watch::Receiver<usize> {
        self.answered.subscribe()
    }

    fn add(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        self.answered.send_modify(|count| *count += 1);
    }
}

/// A client that sends requests: to each of its hosts in turn.
#[derive(Debug)]
pub(crate) struct Asker {
    entrances: Entrances,
    /// The entrance that it uses next, if that is open.
    next: usize,
    record: Arc<Record>,
    /// The prefix of all of its keys.
    name: String,
    asked: usize,
    attempt_max: Duration,
}

impl Asker {
    pub(crate) fn new(entrances: Entrances, record: Arc<Record>, name: String) -> Self {
        Self { entrances, next: 0, record, name, asked: 0, attempt_max: ATTEMPT }
    }

    /// The same, which gives up an attempt earlier: another host may answer.
    pub(crate) fn with_attempt_max(self, attempt_max: Duration) -> Self {
        Self { attempt_max, ..self }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The addresses of the next host that is up, once one is.
    pub(crate) async fn doors(&mut self) -> anyhow::Result<Doors> {
        let until = Instant::now() + PATIENCE;
        loop {
            let first = self.next;
            self.next = first.wrapping_add(1);
            let in_turn = self.entrances.iter().cycle().skip(first % self.entrances.len().max(1));
            let open = in_turn.take(self.entrances.len()).find_map(|entrance| entrance.borrow().clone());
            if let Some(doors) = open {
                return Ok(doors);
            }
            anyhow::ensure!(Instant::now() < until, "the host is down for too long");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A unique key.
    pub(crate) fn key(&mut self) -> String {
        self.asked += 1;
        format!("{}-{}", self.name, self.asked)
    }

    /// Does `act` with the token of `client`, and returns the answer.
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
            let failure = match tokio::time::timeout(self.attempt_max, once(&client.at(&doors.public), act, key)).await
            {
                Ok(Ok(answer)) if is_kept(answer.status.as_u16()) => return Ok(answer),
                Ok(Ok(answer)) => anyhow::anyhow!("{} {}", answer.status, answer.body),
                Ok(Err(lost)) => lost,
                Err(late) => late.into(),
            };
            if Instant::now() > until {
                return Err(failure.context("no answer"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Reads `line`, repeatedly if necessary.
    pub(crate) async fn read(&mut self, line: &str, side: impl Fn(&Doors) -> Client) -> anyhow::Result<Answer> {
        let until = Instant::now() + PATIENCE;
        loop {
            let client = side(&self.doors().await?);
            match tokio::time::timeout(self.attempt_max, client.ask(line)).await {
                Ok(Ok(answer)) if answer.status.as_u16() < 500 => return Ok(answer),
                _ if Instant::now() > until => anyhow::bail!("no answer to {line}"),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

/// Whether an answer with `status` is final for its key; after another one the client may retry.
fn is_kept(status: u16) -> bool {
    status < 500 && status != 429
}

/// Sends the request once, with the key.
pub(crate) async fn once(client: &Client, act: &Act, key: &str) -> anyhow::Result<Answer> {
    send(client, act, &[("idempotency-key", key)], key).await
}

/// Sends the request once, without a key.
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
