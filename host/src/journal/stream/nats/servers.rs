//! What is asked of the servers about the stream as a whole, whether it is there or not.

use std::time::Duration;

use async_nats::jetstream::context::DeleteStreamErrorKind;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, Info, RawMessageErrorKind, Stream};
use async_nats::jetstream::{Context, Error, ErrorCode};
use bytes::Bytes;

use super::error::NatsError;
use super::open::{config, stream_name, subject};
use crate::config::ClusterSettings;
use crate::journal::stream::error::StreamError;
use crate::journal::stream::position::StreamSeq;

/// How long the servers may take to begin an election. The leader of the cluster waits for them meanwhile.
const ELECT_MAX: Duration = Duration::from_secs(1);

/// How long a look at the stream or for one message may take. A question to servers that elect a leader is never answered, so a
/// short one that is asked again finds the next leader sooner.
pub(super) const LOOK_MAX: Duration = Duration::from_secs(1);

/// A stream of which only the name is known.
pub(super) type StreamByName = Stream<()>;

/// The servers of one stream.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    context: Context,
    config: Config,
    subject: String,
}

/// Whether the servers say that there is no such stream.
pub(super) fn is_missing(error: &Error) -> bool {
    error.error_code() == ErrorCode::STREAM_NOT_FOUND
}

/// The message `sequence` of `stream`; `None` if it does not have it.
pub(super) async fn message(stream: &StreamByName, sequence: StreamSeq) -> Result<Option<Bytes>, StreamError> {
    // Of the stream's own leader: a replica may not have the newest messages.
    let Ok(found) = tokio::time::timeout(LOOK_MAX, stream.get_raw_message(sequence.0)).await else {
        return Err(StreamError::unavailable("a look for a message took too long"));
    };
    match found {
        Ok(message) => Ok(Some(message.payload)),
        Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) if matches!(error.kind(), RawMessageErrorKind::JetStream(error) if is_missing(&error)) => {
            Err(StreamError::Missing)
        }
        Err(error) => Err(StreamError::unavailable(error)),
    }
}

impl Servers {
    pub(super) async fn new(context: Context, settings: &ClusterSettings) -> Result<(Self, StreamByName), NatsError> {
        let (name, config) = (stream_name(&settings.name), config(settings));
        let failed = |why: String| NatsError::Stream { stream: name.clone(), why };
        let stream = context.get_stream_no_info(&name).await.map_err(|error| failed(error.to_string()))?;
        Ok((Self { context, config, subject: subject(&settings.name) }, stream))
    }

    pub(super) fn name(&self) -> &str {
        &self.config.name
    }

    pub(super) fn subject(&self) -> String {
        self.subject.clone()
    }

    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(super) async fn info(&self) -> Result<Info, StreamError> {
        let asked = self.context.request(format!("STREAM.INFO.{}", self.name()), &serde_json::json!({})).await;
        match asked.map_err(StreamError::unavailable)? {
            Response::Ok(info) => Ok(info),
            Response::Err { error } if is_missing(&error) => Err(StreamError::Missing),
            Response::Err { error } => Err(StreamError::unavailable(error)),
        }
    }

    pub(super) async fn recreate(&self, first: StreamSeq) -> Result<(), StreamError> {
        match self.context.delete_stream(self.name()).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), DeleteStreamErrorKind::JetStream(error) if is_missing(&error)) => {}
            Err(error) => return Err(StreamError::unavailable(error)),
        }
        let config = Config { first_sequence: Some(first.0), ..self.config.clone() };
        self.context.create_stream(config).await.map(drop).map_err(StreamError::unavailable)
    }

    pub(super) async fn elect_leader(&self) -> Result<(), StreamError> {
        let subject = format!("STREAM.LEADER.STEPDOWN.{}", self.name());
        let asked = tokio::time::timeout(ELECT_MAX, self.context.request(subject, &serde_json::json!({}))).await;
        let asked = asked.map_err(|_| StreamError::unavailable("no answer to the request for an election"))?;
        match asked.map_err(StreamError::unavailable)? {
            Response::Ok::<serde_json::Value>(_) => Ok(()),
            Response::Err { error } => Err(StreamError::unavailable(error)),
        }
    }
}
