//! Why a stream does not answer.

use std::fmt;

/// Why a stream did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The servers do not answer, or have no leader: this may pass.
    #[error("the NATS servers do not answer ({why})")]
    Unavailable { why: String },
}

impl StreamError {
    pub(crate) fn unavailable(why: impl fmt::Display) -> Self {
        Self::Unavailable { why: why.to_string() }
    }
}
