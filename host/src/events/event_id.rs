//! Which event: its place in the order of its emitter, and the id by which an operator names it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{CommitSeq, NameError, ServiceName};
use crate::store::Emitted;

/// The place of an event in the order of all events of its emitter: its commit, and its index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct EventSeq(pub(super) CommitSeq, pub(super) u32);

impl EventSeq {
    /// Before every event.
    pub(super) const START: Self = Self(CommitSeq(0), 0);

    pub(super) fn of(emitted: &Emitted) -> Self {
        Self(emitted.number, emitted.position)
    }
}

/// Names an event to an operator: `inventory.42.0` is the first event of commit 42, which is one of `inventory`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    pub(super) emitter: ServiceName,
    pub(super) seq: EventSeq,
}

impl EventId {
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
