//! Why a run ended without an answer of its component.

use wasmtime::component::ResourceTableError;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use super::shortage::lacking;
use crate::store::StoreError;

/// Why a run ended without an answer of its component. In every case all of its effects must be discarded.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The guest trapped: it panicked, ran over its stack, or broke a rule of the component model.
    #[error("the component trapped: {message}")]
    Trap {
        message: String,
        /// The functions on the stack, innermost first.
        backtrace: String,
        /// The last output of the guest.
        log_tail: String,
    },
    #[error("the deadline of the call passed")]
    Deadline,
    /// The guest failed after it was refused memory.
    #[error("the component is out of memory: memory_bytes_max = {bytes_max}")]
    Memory { bytes_max: usize, log_tail: String },
    /// The guest exceeded a limit of its service; `name` is the name of the setting, or of the fixed bound.
    #[error("the component exceeded the limit {name} = {max}: {detail}")]
    Limit { name: &'static str, max: u64, detail: String },
    /// Every slot of the pool is in use. Nothing ran.
    #[error("no free slot for an instance: {detail}")]
    Slots { detail: String },
    /// The machine had no file descriptors, memory or ports for the run.
    #[error("the machine lacks what the run needs: {detail}")]
    Resources { detail: String },
    /// The store refused a request of the guest, or failed.
    #[error("the store refused an operation")]
    Store(#[source] StoreError),
    /// The run was only for reading, and attempted something else, which did not happen.
    #[error("the run may only read")]
    OnlyReads,
    /// A call to another service failed in a way for which the contract has no error.
    #[error("a nested call failed")]
    Nested(#[source] OutboundError),
}

/// Why a call to another service gave no result for the guest. The part that made the call knows the type.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OutboundError(pub Box<dyn std::error::Error + Send + Sync>);

impl Failure {
    /// The failure of a run that ended with `error`: either a [`Failure`] from a host function, or a trap of the guest,
    /// which may have `handles_max` handles.
    pub(in crate::runtime) fn of(error: wasmtime::Error, handles_max: usize) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
        let error = match error.downcast::<Self>() {
            Ok(failure) => return failure,
            Err(error) => error,
        };
        if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
            return Self::Slots { detail: full.to_string() };
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref::<ResourceTableError>() {
            return over("handles_max", handles_max, "it has more open streams, pollables and buckets");
        }
        if let Some(detail) = lacking(&*error) {
            return Self::Resources { detail };
        }
        let message = match error.downcast_ref::<Trap>() {
            Some(Trap::MemoryOutOfBounds) => "memory access out of bounds, or the guest's stack overflowed".into(),
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        Self::Trap { message, backtrace, log_tail: String::new() }
    }

    /// A short name for metrics and logs.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::Deadline => "deadline",
            Self::Memory { .. } => "memory",
            Self::Limit { .. } => "limit",
            Self::Slots { .. } => "slots",
            Self::Resources { .. } => "resources",
            Self::Store(_) => "store",
            Self::OnlyReads => "only reads",
            Self::Nested(_) => "nested",
        }
    }

    /// Whether the host had no room for the run, which says nothing about the component.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        matches!(self, Self::Slots { .. } | Self::Resources { .. })
    }
}

/// The failure of a guest that exceeded the setting, or the fixed bound, `name`.
pub(in crate::runtime) fn over(name: &'static str, max: usize, detail: impl Into<String>) -> Failure {
    Failure::Limit { name, max: u64::try_from(max).unwrap_or(u64::MAX), detail: detail.into() }
}

#[cfg(test)]
mod tests;
