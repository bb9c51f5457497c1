//! A stream of NATS JetStream.

mod check;
mod client;
mod connect;
mod error;
mod messages;
mod objects;
mod open;
mod publishing;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;
use tokio::sync::mpsc;

pub use check::ServerError;
pub use error::NatsError;
#[cfg(test)]
pub(crate) use tests::server::NatsServer;

use super::error::StreamError;
use super::interface::{Done, Messages, Publish, PublishError, Stream, StreamInfo};
use super::objects::Objects;
use super::position::StreamSeq;
use crate::config::ClusterSettings;
use crate::journal::frame::JournalId;
use client::Client;
use messages::NatsMessages;
use objects::{Bucket, NatsObjects};

/// How long a look for one message may take. A question to servers that elect a leader is never answered, so a short one that
/// is asked again finds the next leader sooner.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Messages on their way to the client: more than any leader has in flight.
const PUBLISHES_MAX: usize = 64;

/// The stream of a cluster.
pub(crate) struct NatsStream {
    client: Arc<Client>,
    stream: jetstream::stream::Stream,
    bucket: Bucket,
    publishes: mpsc::Sender<(Publish, Done)>,
}

impl fmt::Debug for NatsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStream").field("stream", &self.stream.cached_info().config.name).finish_non_exhaustive()
    }
}

impl NatsStream {
    /// Connects to the servers of `settings` and opens the stream and the object store of the cluster. Creates the stream
    /// if `has`, the last message that this node has, is 0, and a missing object store in any case: the leader stores again
    /// what belongs there. Blocks.
    ///
    /// # Errors
    ///
    /// [`NatsError`], with what to change.
    pub(crate) fn open(settings: &ClusterSettings, node: &str, has: StreamSeq) -> Result<Self, NatsError> {
        let client = Arc::new(Client::start().map_err(|source| NatsError::Thread { source })?);
        let (settings, node) = (settings.clone(), node.to_owned());
        let subject = open::subject(&settings.name);
        let opened = client.wait(async move {
            let context = connect::connect(&settings, &node).await?;
            let stream = open::open(&context, &settings, has).await?;
            let bucket = Bucket::open(&context, &settings).await?;
            Ok::<_, NatsError>((context, stream, bucket))
        });
        let (context, stream, bucket) = opened??;
        let (publishes, requests) = mpsc::channel(PUBLISHES_MAX);
        drop(client.spawn(publishing::publish_all(context, subject, requests)));
        Ok(Self { client, stream, bucket, publishes })
    }
}

impl Stream for NatsStream {
    fn publish(&self, publish: Publish, done: Done) {
        if let Err(refused) = self.publishes.try_send((publish, done)) {
            let (mpsc::error::TrySendError::Full((_, done)) | mpsc::error::TrySendError::Closed((_, done))) = refused;
            done(Err(PublishError { why: "the NATS client is not ready for another message".into() }));
        }
    }

    fn get(&self, sequence: StreamSeq) -> Result<Option<Bytes>, StreamError> {
        let stream = self.stream.clone();
        // Of the stream's own leader: a replica may not have the newest messages.
        let look = async move { tokio::time::timeout(LOOK_MAX, stream.get_raw_message(sequence.0)).await };
        let Ok(found) = self.client.wait(look)? else {
            return Err(StreamError::unavailable("a look for a message took too long"));
        };
        match found {
            Ok(message) => Ok(Some(message.payload)),
            Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
            Err(error) => Err(StreamError::unavailable(error)),
        }
    }

    fn messages(&self, from: StreamSeq) -> Result<Box<dyn Messages>, StreamError> {
        Ok(Box::new(NatsMessages::open(Arc::clone(&self.client), self.stream.clone(), from)?))
    }

    fn info(&self) -> Result<StreamInfo, StreamError> {
        let stream = self.stream.clone();
        let state = self.client.wait(async move { stream.get_info().await })?.map_err(StreamError::unavailable)?.state;
        let first = StreamSeq(state.first_sequence.max(1));
        Ok(StreamInfo { first, last: StreamSeq(state.last_sequence), bytes: state.bytes })
    }

    fn new_journal(&self) -> Result<JournalId, StreamError> {
        let stream = self.stream.clone();
        let info = self.client.wait(async move { stream.get_info().await })?.map_err(StreamError::unavailable)?;
        // No two streams of one name begin in the same nanosecond.
        let text = format!("{} {}", info.config.name, info.created.unix_timestamp_nanos());
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let id = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
        Ok(JournalId(*id))
    }

    fn purge_through(&self, sequence: StreamSeq) -> Result<(), StreamError> {
        let stream = self.stream.clone();
        let purge = async move { stream.purge().sequence(sequence.0.saturating_add(1)).await };
        self.client.wait(purge)?.map(drop).map_err(StreamError::unavailable)
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(NatsObjects::new(Arc::clone(&self.client), self.bucket.clone()))
    }
}
