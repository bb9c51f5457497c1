//! A stream of NATS JetStream.

mod check;
mod client;
mod connect;
mod error;
mod messages;
mod objects;
mod open;
mod publishing;
mod servers;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_nats::jetstream;
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
use servers::{LOOK_MAX, Servers, StreamByName, message};

/// Messages on their way to the client: more than any leader has in flight.
const PUBLISHES_MAX: usize = 64;

/// The stream of a cluster.
pub(crate) struct NatsStream {
    client: Arc<Client>,
    servers: Servers,
    stream: jetstream::stream::Stream<()>,
    /// `None` where the stream is only looked at, and there is no object store.
    bucket: Option<Bucket>,
    publishes: mpsc::Sender<(Publish, Done)>,
}

impl fmt::Debug for NatsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStream").field("stream", &self.servers.name()).finish_non_exhaustive()
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
        let opened = client.wait(async move {
            let context = connect::connect(&settings, &node).await?;
            // The first host creates the stream before the object store. So where that is, the stream has been lost.
            let had_objects = Bucket::find(&context, &settings).await?.is_some();
            open::open(&context, &settings, has, had_objects).await?;
            let bucket = Bucket::open(&context, &settings).await?;
            Ok::<_, NatsError>((Servers::new(context, &settings).await?, Some(bucket)))
        });
        Ok(Self::over(client, opened??))
    }

    /// Connects to the servers, whether the stream is there or not, and creates nothing except, if `with_objects`, the object
    /// store. Blocks.
    ///
    /// # Errors
    ///
    /// [`NatsError`], with what to change.
    pub(crate) fn attach(settings: &ClusterSettings, node: &str, with_objects: bool) -> Result<Self, NatsError> {
        let client = Arc::new(Client::start().map_err(|source| NatsError::Thread { source })?);
        let (settings, node) = (settings.clone(), node.to_owned());
        let attached = client.wait(async move {
            let context = connect::connect(&settings, &node).await?;
            let bucket = match with_objects {
                true => Some(Bucket::open(&context, &settings).await?),
                false => Bucket::find(&context, &settings).await?,
            };
            Ok::<_, NatsError>((Servers::new(context, &settings).await?, bucket))
        });
        Ok(Self::over(client, attached??))
    }

    fn over(client: Arc<Client>, ((servers, stream), bucket): ((Servers, StreamByName), Option<Bucket>)) -> Self {
        let (publishes, requests) = mpsc::channel(PUBLISHES_MAX);
        drop(client.spawn(publishing::publish_all(servers.context(), servers.subject(), requests)));
        Self { client, servers, stream, bucket, publishes }
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
        self.client.wait(async move { message(&stream, sequence).await })?
    }

    fn messages(&self, from: StreamSeq) -> Result<Box<dyn Messages>, StreamError> {
        Ok(Box::new(NatsMessages::open(Arc::clone(&self.client), self.stream.clone(), from)))
    }

    fn info(&self) -> Result<StreamInfo, StreamError> {
        let servers = self.servers.clone();
        let look = async move { tokio::time::timeout(LOOK_MAX, servers.info()).await };
        let info =
            self.client.wait(look)?.map_err(|_| StreamError::unavailable("a look at the stream took too long"))?;
        let state = info?.state;
        let first = StreamSeq(state.first_sequence.max(1));
        Ok(StreamInfo { first, last: StreamSeq(state.last_sequence), bytes: state.bytes })
    }

    fn new_journal(&self) -> Result<JournalId, StreamError> {
        let servers = self.servers.clone();
        let info = self.client.wait(async move { servers.info().await })??;
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

    fn recreate(&self, first: StreamSeq) -> Result<(), StreamError> {
        let servers = self.servers.clone();
        self.client.wait(async move { servers.recreate(first).await })?
    }

    fn elect_leader(&self) -> Result<(), StreamError> {
        let servers = self.servers.clone();
        self.client.wait(async move { servers.elect_leader().await })?
    }

    fn objects(&self) -> Arc<dyn Objects> {
        Arc::new(NatsObjects::new(Arc::clone(&self.client), self.bucket.clone()))
    }
}
