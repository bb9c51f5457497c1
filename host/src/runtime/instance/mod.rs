//! The inputs and results of a run, and the limits of its instance.

mod answer;
mod connection_limit;
mod failure;
mod frame;
mod isolated_run;
mod log;
mod memory;
mod outgoing;
mod public_address;
mod report;
mod service;
mod shortage;
mod system_roots;
mod uses;

pub(crate) use answer::bytes as json_bytes;
pub(super) use failure::over;
pub use failure::{Failure, OutboundError};
pub use frame::{Finished, Frame, Outbound, OutboundFuture};
pub use isolated_run::{IsolatedFrame, IsolationError};
pub(super) use log::{Budget, Printed, Source, Stream, plain};
pub(super) use memory::{Memory, initial_memory_bytes};
pub(super) use outgoing::{Attempt, Gate, Grants, Outgoing};
pub(super) use report::{Ended, report};
pub(super) use service::Service;
pub use service::{LinkError, LinkSettings};
pub(super) use shortage::Shortage;
pub use uses::Uses;
