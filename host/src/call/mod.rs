//! Calls: what runs one call of a function, and how it ended.

use std::sync::Arc;

use wasmtime::component::Val;

use crate::contract::Function;
use crate::names::{Identity, RequestId, ServiceName};

/// Runs calls. Clones are the same.
#[derive(Debug, Clone)]
pub struct Calls;

/// A call from outside.
#[derive(Debug)]
pub struct RootCall {
    pub service: ServiceName,
    pub function: Arc<Function>,
    pub arguments: Vec<Val>,
    pub identity: Option<Identity>,
    pub request: RequestId,
}

/// What the component answered. It is durable.
#[derive(Debug)]
pub enum Answer {
    Ok(Option<Val>),
    /// A `Val::Variant` or `Val::Enum` of the function's error type.
    Err(Option<Val>),
}

/// Why there is no answer. Nothing of the call remains.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("{service} is unavailable: {why}")]
    Unavailable { service: ServiceName, why: &'static str, retry_after_s: u64 },
    #[error("the deadline of the call passed")]
    Deadline,
    #[error("{service} failed")]
    Failed { service: ServiceName },
    #[error("the journal has stopped")]
    Stopped,
}

impl Calls {
    /// # Errors
    ///
    /// [`CallError`].
    #[expect(clippy::unused_async, reason = "the signature of what runs calls")]
    pub async fn call(&self, _root: RootCall) -> Result<Answer, CallError> {
        Err(CallError::Stopped)
    }

    /// # Errors
    ///
    /// [`CallError`].
    #[expect(clippy::unused_async, reason = "the signature of what runs calls")]
    pub async fn authenticate(&self, _token: &str) -> Result<Option<Identity>, CallError> {
        Err(CallError::Stopped)
    }
}
