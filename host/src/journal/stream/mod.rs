//! The journal as a stream of NATS JetStream, which several hosts share.

mod error;
mod interface;
mod lease;
mod message;
mod nats;
mod objects;
mod position;
mod publisher;
mod reader;
#[cfg(any(test, feature = "fail-points"))]
pub mod simulated;

#[cfg(test)]
mod tests;

pub(crate) use error::RESEED;
pub use error::StreamError;
pub(crate) use interface::{Stream, StreamInfo};
pub(crate) use lease::Lease;
pub use message::{Content, Leader, Message, MessageError, STREAM_FORMAT};
#[cfg(test)]
pub(crate) use nats::NatsServer;
pub(crate) use nats::NatsStream;
pub use nats::{NatsError, ServerError};
pub(crate) use objects::Objects;
pub(crate) use position::POSITION_BYTES;
pub use position::{ChainHash, ClaimId, Epoch, Position, StreamSeq};
pub(crate) use publisher::{Outcome, Publisher, Report, ResolveError};
pub use reader::{Read, StreamDamage, StreamReader};
