//! The messages of a stream in order, as an ordered consumer of JetStream gives them.
//!
//! The servers open no consumer while they elect a leader among themselves, which takes seconds longer than the election for
//! one stream. Until there is a consumer, each message is asked for by its number.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::client::Client;
use super::servers::{StreamByName, message};
use crate::journal::stream::error::StreamError;
use crate::journal::stream::interface::Messages;
use crate::journal::stream::position::StreamSeq;

/// How long the servers may take to open a consumer. While they elect a leader they never answer, and another attempt finds
/// the next one sooner.
const OPEN_MAX: Duration = Duration::from_secs(2);

/// Attempts to open a consumer, until the reader hears of it: longer than elections take.
const ATTEMPTS_MAX: u32 = 8;

/// The time after which a message is asked for by its number, if no consumer is open yet.
const OPENS_SLOWLY_AFTER: Duration = Duration::from_millis(100);

pub(super) struct NatsMessages {
    client: Arc<Client>,
    reading: Arc<Mutex<Reading>>,
}

struct Reading {
    /// The thread of the client, which this runs on too.
    thread: Handle,
    stream: StreamByName,
    source: Source,
    /// Where the consumer begins.
    begin: StreamSeq,
    /// The next message, or one before it that the stream does not have any more.
    due: StreamSeq,
    attempts: u32,
    opens_slowly: bool,
}

enum Source {
    Opening(JoinHandle<Result<Ordered, StreamError>>),
    Consumer(Box<Ordered>),
}

impl NatsMessages {
    pub(super) fn open(client: Arc<Client>, stream: StreamByName, from: StreamSeq) -> Self {
        let source = Source::Opening(client.spawn(open(stream.clone(), from)));
        let thread = client.handle();
        let reading = Reading { thread, stream, source, begin: from, due: from, attempts: 1, opens_slowly: false };
        Self { client, reading: Arc::new(Mutex::new(reading)) }
    }
}

impl Messages for NatsMessages {
    fn next(&mut self, wait_max: Duration) -> Result<Option<(StreamSeq, Bytes)>, StreamError> {
        let reading = Arc::clone(&self.reading);
        self.client.wait(async move { reading.lock().await.next(wait_max).await })?
    }
}

async fn open(stream: StreamByName, from: StreamSeq) -> Result<Ordered, StreamError> {
    let opened = async {
        let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: from.0 };
        let configuration = OrderedConfig { deliver_policy, ..OrderedConfig::default() };
        let consumer = stream.create_consumer(configuration).await.map_err(StreamError::unavailable)?;
        consumer.messages().await.map_err(StreamError::unavailable)
    };
    let late = |_| StreamError::unavailable("the servers took too long to open a consumer");
    timeout(OPEN_MAX, opened).await.map_err(late)?
}

impl Reading {
    async fn next(&mut self, wait_max: Duration) -> Result<Option<(StreamSeq, Bytes)>, StreamError> {
        if let Source::Opening(opening) = &self.source
            && self.opens_slowly
            && !opening.is_finished()
            && let Some(found) = self.asked().await?
        {
            return Ok(Some(found));
        }
        if let Source::Opening(opening) = &mut self.source {
            match timeout(wait_max.min(OPENS_SLOWLY_AFTER), opening).await {
                Ok(opened) => self.opened(opened.map_err(StreamError::unavailable).flatten())?,
                Err(_elapsed) => {
                    self.opens_slowly = true;
                    return self.asked().await;
                }
            }
        }
        let Source::Consumer(messages) = &mut self.source else { return Ok(None) };
        loop {
            let (found, bytes) = match timeout(wait_max, messages.next()).await {
                Err(_elapsed) => return Ok(None),
                Ok(None) => return Err(StreamError::unavailable("the consumer has ended")),
                Ok(Some(Err(error))) => return Err(StreamError::unavailable(error)),
                Ok(Some(Ok(message))) => {
                    let found = message.info().map_err(StreamError::unavailable)?.stream_sequence;
                    (StreamSeq(found), message.message.payload)
                }
            };
            if found < self.begin {
                // The client opens its consumer again when it has lost the server, and until it has got a message, it then
                // begins with the first one of the stream.
                let (begin, found) = (self.begin.0, found.0);
                return Err(StreamError::unavailable(format!(
                    "a new consumer began with message {found}, not {begin}"
                )));
            }
            // Others have been asked for while it was opened.
            if found >= self.due {
                self.due = StreamSeq(found.0 + 1);
                return Ok(Some((found, bytes)));
            }
        }
    }

    /// Goes on with the consumer, or with another attempt to open one.
    fn opened(&mut self, opened: Result<Ordered, StreamError>) -> Result<(), StreamError> {
        let error = match opened {
            Ok(messages) => {
                self.source = Source::Consumer(Box::new(messages));
                return Ok(());
            }
            Err(error) => error,
        };
        self.begin = self.due;
        self.source = Source::Opening(self.thread.spawn(open(self.stream.clone(), self.begin)));
        self.attempts += 1;
        if self.attempts > ATTEMPTS_MAX { Err(error) } else { Ok(()) }
    }

    /// Asks for the next message by its number.
    async fn asked(&mut self) -> Result<Option<(StreamSeq, Bytes)>, StreamError> {
        let found = message(&self.stream, self.due).await?.map(|bytes| (self.due, bytes));
        if found.is_some() {
            self.due = StreamSeq(self.due.0 + 1);
        }
        Ok(found)
    }
}
