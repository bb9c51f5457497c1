//! The ids by which an operator names events.

use std::fmt;

use crate::names::{CommitSeq, NameError, ServiceName};
use crate::store::system::{EventId, EventSeq};

impl EventId {
    /// Reads an id such as `inventory.42.0`: the first event of commit 42, which is one of `inventory`.
    ///
    /// # Errors
    ///
    /// Unless `text` is the name of a service and two numbers, with dots between them.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let rule = "is such as `inventory.42.0`: the service that emitted it, its commit, and its index there";
        let error = || NameError::new("event", text, rule);
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(error);
        let emitter = ServiceName::parse(part()?).map_err(|_| error())?;
        let (commit, index) = (part()?.parse().map_err(|_| error())?, part()?.parse().map_err(|_| error())?);
        Ok(Self { emitter, seq: EventSeq(CommitSeq(commit), index) })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { emitter, seq: EventSeq(commit, index) } = self;
        write!(f, "{emitter}.{}.{index}", commit.0)
    }
}
