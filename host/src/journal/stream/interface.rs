//! What the journal needs of a stream: an ordered, durable list of messages on other machines, to which only who knows
//! its end can append.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::StreamError;
use super::objects::Objects;
use super::position::StreamSeq;
use crate::journal::frame::JournalId;

/// A stream. Its calls block, except [`Stream::publish`].
pub(crate) trait Stream: fmt::Debug + Send + Sync {
    /// Appends a message, if the last message of the stream is then `publish.after`. Returns at once. `done` gets the
    /// outcome, exactly once and within a bounded time, on any thread and maybe before the return; outcomes of several
    /// messages may come in any order.
    ///
    /// After an error nobody knows whether the message is in the stream, or will still come there: [`Stream::get`] tells.
    fn publish(&self, publish: Publish, done: Done);

    /// The message `sequence`, as all acknowledged messages are seen; `None` if the stream ends before it.
    fn get(&self, sequence: StreamSeq) -> Result<Option<Bytes>, StreamError>;

    /// The messages from `from` on, in order, also those that are not there yet.
    fn messages(&self, from: StreamSeq) -> Result<Box<dyn Messages>, StreamError>;

    fn info(&self) -> Result<StreamInfo, StreamError>;

    /// The id of the journal that begins in this stream while it is empty: the same for every node that asks.
    fn new_journal(&self) -> Result<JournalId, StreamError>;

    /// Deletes the messages up to `sequence`.
    fn purge_through(&self, sequence: StreamSeq) -> Result<(), StreamError>;

    /// Deletes the stream with all of its messages, if it exists, and creates it again: its next message has the number
    /// `first`. After an error there may be either one, or none.
    fn recreate(&self, first: StreamSeq) -> Result<(), StreamError>;

    /// Asks the servers to elect another leader of the stream.
    fn elect_leader(&self) -> Result<(), StreamError>;

    /// The object store of the same cluster.
    fn objects(&self) -> Arc<dyn Objects>;
}

/// The messages of a stream, in order.
pub(crate) trait Messages: Send {
    /// The next message; `None` if none came within `wait_max`.
    fn next(&mut self, wait_max: Duration) -> Result<Option<(StreamSeq, Bytes)>, StreamError>;
}

/// A message to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    /// The message before it.
    pub(crate) after: StreamSeq,
    /// The same for every attempt to append this message, and different for every other message.
    pub(crate) id: String,
    pub(crate) bytes: Bytes,
}

/// Gets the outcome of a publish.
pub(crate) type Done = Box<dyn FnOnce(Result<(), PublishError>) + Send>;

/// A message was not acknowledged. It may be in the stream nonetheless.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct PublishError {
    pub(crate) why: String,
}

/// The state of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    /// The oldest message; that after the last one if the stream is empty.
    pub(crate) first: StreamSeq,
    /// The newest message; 0 if there never was one.
    pub(crate) last: StreamSeq,
    pub(crate) bytes: u64,
}
