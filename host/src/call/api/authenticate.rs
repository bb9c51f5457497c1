//! Authentication: asks the service whose contract carries `authenticate` for the owner of a bearer token.

use std::sync::Arc;

use wasmtime::component::Val;

use super::calls::Calls;
use super::root_call::RootCall;
use crate::call::durability::root_persistence::RootPersistence;
use crate::call::engine::answer::CallError;
use crate::call::engine::authentication;
use crate::call::engine::call::Call;
use crate::call::engine::spans::{begin_call, end_call};
use crate::call::routing::{Origin, Routing};
use crate::names::{Identity, RequestId};
use crate::observe::traces::ParentSpan;

impl Calls {
    /// The owner of the bearer token `token`; `None` when it is unknown, or no contract carries `authenticate`. The span of
    /// its call is below `parent`.
    ///
    /// # Errors
    ///
    /// [`CallError`] when that service cannot answer.
    pub async fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
        parent: &ParentSpan,
    ) -> Result<Option<Identity>, CallError> {
        let Some(authenticator) = routing.live().authenticator() else { return Ok(None) };
        let service = authenticator.backend.service.name();
        let table = self.inner.current.begin(routing, None, origin, (service, false)).await;
        let table = table.map_err(|why| CallError::not_begun(service, why))?;
        let Some(authenticator) = table.authenticator() else { return Ok(None) };
        let backend = authenticator.backend.clone();
        let span = begin_call(parent, backend.service.name(), &authenticator.function);
        let call = RootCall {
            service: backend.service.name().clone(),
            function: Arc::clone(&authenticator.function),
            arguments: vec![Val::String(token.into())],
            identity: None,
            request: request.clone(),
            key: None,
            span: span.as_parent(),
            takes_body: false,
        };
        let persistence = RootPersistence::new(&self.inner.durable, None, Vec::new(), false);
        let root = self.inner.root(Arc::clone(&table), call, origin, &persistence);
        let result = async {
            let ended = Call::root(&root, &backend).execute().await?;
            self.inner.durable.wait_durable(&root).await?;
            Ok(ended.answer)
        };
        let result = result.await;
        end_call(span, backend.service.name(), result.as_ref());
        Ok(authentication::identity(result?))
    }
}
