//! Why a stream does not answer, or is not the one that it was.

use std::fmt;

/// What an operator does when the stream has lost messages.
pub(crate) const RESEED: &str = "keep all data directories; `switchyard cluster reseed --plan` says on each host what it has, \
                                 and `switchyard cluster reseed` writes the stream again from the one that has the most";

/// Why a stream did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The servers do not answer, or have no leader: this may pass.
    #[error("the NATS servers do not answer ({why})")]
    Unavailable { why: String },
    #[error("the stream does not exist: it was deleted, or the NATS servers have lost it; {RESEED}")]
    Missing,
    /// It was truncated, purged, or written again.
    #[error(
        "the stream has the messages {first} to {last}, and message {due} is the next one of this host: messages are missing; \
         {RESEED}"
    )]
    Cut { first: u64, last: u64, due: u64 },
}

impl StreamError {
    pub(crate) fn unavailable(why: impl fmt::Display) -> Self {
        Self::Unavailable { why: why.to_string() }
    }

    /// Whether the servers have answered, and the stream is not the one that it was.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Unavailable { .. } => false,
            Self::Missing | Self::Cut { .. } => true,
        }
    }
}
