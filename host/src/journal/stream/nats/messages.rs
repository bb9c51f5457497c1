//! The messages of a stream in order, as an ordered consumer of JetStream gives them.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::Mutex;

use super::client::Client;
use crate::journal::stream::error::StreamError;
use crate::journal::stream::interface::Messages;
use crate::journal::stream::position::StreamSeq;

pub(super) struct NatsMessages {
    client: Arc<Client>,
    messages: Arc<Mutex<Ordered>>,
}

impl NatsMessages {
    pub(super) fn open(client: Arc<Client>, stream: Stream, from: StreamSeq) -> Result<Self, StreamError> {
        let messages = client.wait(async move {
            let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: from.0 };
            let consumer = stream.create_consumer(OrderedConfig { deliver_policy, ..OrderedConfig::default() }).await;
            let consumer = consumer.map_err(StreamError::unavailable)?;
            consumer.messages().await.map_err(StreamError::unavailable)
        })??;
        Ok(Self { client, messages: Arc::new(Mutex::new(messages)) })
    }
}

impl Messages for NatsMessages {
    fn next(&mut self, wait_max: Duration) -> Result<Option<(StreamSeq, Bytes)>, StreamError> {
        let messages = Arc::clone(&self.messages);
        self.client.wait(async move {
            let mut messages = messages.lock().await;
            match tokio::time::timeout(wait_max, messages.next()).await {
                Err(_elapsed) => Ok(None),
                Ok(None) => Err(StreamError::unavailable("the consumer has ended")),
                Ok(Some(Err(error))) => Err(StreamError::unavailable(error)),
                Ok(Some(Ok(message))) => {
                    let sequence = message.info().map_err(StreamError::unavailable)?.stream_sequence;
                    Ok(Some((StreamSeq(sequence), message.message.payload)))
                }
            }
        })?
    }
}
