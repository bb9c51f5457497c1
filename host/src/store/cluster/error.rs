//! Why a node does not take part in its cluster.

use crate::journal::stream::{NatsError, RESEED, StreamDamage, StreamError};
use crate::journal::{JournalId, RecordError, Stopped};
use crate::names::CommitSeq;
use crate::store::index::error::IndexError;

/// Why a node did not join its cluster. It has applied nothing that it should not have.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error(transparent)]
    Open(#[from] NatsError),
    #[error("cannot read the stream of the cluster")]
    Stream(#[from] StreamError),
    #[error("the stream of the cluster is damaged, or not the one that this node knows; {RESEED}")]
    Damaged(#[from] StreamDamage),
    #[error(
        "the stream of the cluster ends with message {last}, and this node has the messages up to {has}: acknowledged commits \
         are missing in the stream; {RESEED}"
    )]
    Behind { last: u64, has: u64 },
    #[error(
        "the stream of the cluster begins with message {first}, and this node has the messages up to {has}: it has missed \
         some that the stream has no more; start it on an empty data directory, so that it loads a copy"
    )]
    TooOld { first: u64, has: u64 },
    #[error(
        "the stream of the cluster begins with commit {first}, and this node has the commits up to {has}: start it on an \
         empty data directory, so that it loads a copy"
    )]
    NeedsCopy { first: u64, has: u64 },
    #[error(
        "the stream of the cluster begins with message {first}, this node has the messages up to {has}, and there is no \
         complete copy for it: start it again when the leader has stored one, as its log says. If no host leads, messages are \
         missing; {RESEED}"
    )]
    NoCopy { first: u64, has: u64 },
    #[error(
        "this node has the commits up to {has}, and the stream of the cluster was written again after commit {number}: those \
         after that would be lost, so this node takes no part; {RESEED}, or start this node on an empty data directory to give \
         them up"
    )]
    Ahead { has: u64, number: u64 },
    #[error(
        "the stream of the cluster was written again, by a node whose history from commit {from} to {number} does not have \
         commit {has} as this node has it: keep this data directory, and start this node on an empty one"
    )]
    OtherHistory { has: u64, from: u64, number: u64 },
    /// Its source is a `LoadError`.
    #[error(transparent)]
    Load(Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "message {has} of the stream is another one than this node knows: the stream was written again, or is of another \
         cluster; {RESEED}"
    )]
    OtherMessage { has: u64 },
    #[error(
        "the cluster has the journal {found}, and this data directory the journal {own}: if the stream is the right \
         one, start this node on an empty data directory; if it is of another cluster, choose another `cluster.name`; if it \
         began anew because the servers had lost the right one: {RESEED}"
    )]
    OtherJournal { found: JournalId, own: JournalId },
    #[error("commit {} in the stream cannot be read", number.0)]
    Record { number: CommitSeq, source: RecordError },
    #[error("cannot read an index")]
    Index(#[from] IndexError),
    #[error("cannot apply a commit of the cluster")]
    Apply(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error("no random numbers from the system")]
    Random { source: std::io::Error },
    #[error("the host was stopped before it led the cluster")]
    Cancelled,
    #[error("cannot create or delete a store of the cluster")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl JoinError {
    /// Whether the servers were reached, and could not open the stream yet.
    pub(crate) fn servers_elect(&self) -> bool {
        match self {
            Self::Open(error) => error.servers_elect(),
            Self::Stream(error) => !error.is_damage(),
            _ => false,
        }
    }

    /// Whether the node may join a moment later: the servers did not answer, the stream is damaged until an operator writes it
    /// again, or its own disk had no room.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Open(error) => error.may_pass(),
            // The messages that are missing were deleted, and a copy has them; or the stream has lost them. Then an operator writes
            // it again, and this node goes on.
            Self::Damaged(_) | Self::Behind { .. } | Self::OtherMessage { .. } | Self::OtherJournal { .. } => true,
            Self::TooOld { .. } | Self::NeedsCopy { .. } | Self::NoCopy { .. } | Self::Load(_) => true,
            Self::Ahead { .. } | Self::OtherHistory { .. } => true,
            Self::Stream(_) | Self::Apply(_) | Self::Stopped(_) | Self::Random { .. } => true,
            _ => false,
        }
    }

    /// Whether the stream has no more what this node needs, so that a copy helps.
    pub(in crate::store) fn asks_for_copy(&self) -> bool {
        matches!(self, Self::TooOld { .. } | Self::NeedsCopy { .. })
    }
}
