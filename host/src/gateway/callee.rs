//! What the gateway needs of `call`: the boundary that its own tests stand at.

use std::future::Future;
use std::sync::Arc;

use crate::call::{CallError, Called, Calls, Origin, RootCall, Routing};
use crate::names::{Identity, RequestId};

/// Runs calls and knows tokens.
pub trait Callee: Clone + Send + Sync + 'static {
    /// What calls begin on now.
    fn routing(&self) -> Arc<Routing>;

    /// Runs one call. What it answers is durable.
    fn call(
        &self,
        root: RootCall,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Called, CallError>> + Send;

    /// Whom a bearer token belongs to; nothing for one that is unknown.
    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send;
}

impl Callee for Calls {
    fn routing(&self) -> Arc<Routing> {
        Self::routing(self)
    }

    fn call(
        &self,
        root: RootCall,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Called, CallError>> + Send {
        Self::call(self, root, routing, origin)
    }

    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send {
        Self::authenticate(self, token, request, routing, origin)
    }
}
