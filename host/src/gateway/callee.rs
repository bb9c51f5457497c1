//! What the gateway needs of `call`: the boundary that its own tests stand at.

use std::future::Future;

use crate::call::{Answer, CallError, Calls, RootCall};
use crate::names::{Identity, RequestId};

/// Runs calls and knows tokens.
pub trait Callee: Clone + Send + Sync + 'static {
    /// Runs one call. What it answers is durable.
    fn call(&self, root: RootCall) -> impl Future<Output = Result<Answer, CallError>> + Send;

    /// Whom a bearer token belongs to; nothing for one that is unknown.
    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send;
}

impl Callee for Calls {
    fn call(&self, root: RootCall) -> impl Future<Output = Result<Answer, CallError>> + Send {
        Self::call(self, root)
    }

    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send {
        Self::authenticate(self, token, request)
    }
}
