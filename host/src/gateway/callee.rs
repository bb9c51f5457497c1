//! The interface that the gateway needs from `call`; the gateway's own tests replace it.

use std::future::Future;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::{Request, Response};

use crate::call::{CallError, Calls, HttpCaller, Origin, Reply, RootCall, Routing, Worlds};
use crate::gateway::request::body::IncomingBody;
use crate::gateway::response::body::{Body, BodyError};
use crate::names::{Identity, RequestId, ServiceName};
use crate::observe::traces::{ParentSpan, Tracer};

/// Runs calls and checks tokens.
pub trait Callee: Clone + Send + Sync + 'static {
    /// The routing that new calls use now.
    fn routing(&self) -> Arc<Routing>;

    /// Registers `prepare`, which is called with the contracts of each new routing before calls use it.
    fn set_routing_observer(&self, prepare: impl Fn(&Worlds) + Send + Sync + 'static);

    /// Begins the traces of requests.
    fn tracer(&self) -> Tracer {
        Tracer::off()
    }

    /// Runs one call. Its answer is durable.
    fn call(
        &self,
        root: RootCall,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send;

    /// Forwards a request to a service that handles HTTP itself; resolves when the answer begins.
    fn serve(
        &self,
        service: &ServiceName,
        request: Request<IncomingBody>,
        caller: HttpCaller,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Response<Body>, CallError>> + Send;

    /// The owner of a bearer token; `None` if the token is unknown. The span of its call is below `parent`.
    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
        parent: &ParentSpan,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send;
}

impl Callee for Calls {
    fn tracer(&self) -> Tracer {
        Self::tracer(self)
    }

    fn routing(&self) -> Arc<Routing> {
        Self::routing(self)
    }

    fn set_routing_observer(&self, prepare: impl Fn(&Worlds) + Send + Sync + 'static) {
        Self::set_routing_observer(self, prepare);
    }

    fn call(
        &self,
        root: RootCall,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> impl Future<Output = Result<Reply, CallError>> + Send {
        Self::call(self, root, routing, origin)
    }

    async fn serve(
        &self,
        service: &ServiceName,
        request: Request<IncomingBody>,
        caller: HttpCaller,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> Result<Response<Body>, CallError> {
        let response = Self::serve(self, service, request, caller, routing, origin).await?;
        Ok(response.map(|body| Body::stream(body.map_err(BodyError::from))))
    }

    fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
        parent: &ParentSpan,
    ) -> impl Future<Output = Result<Option<Identity>, CallError>> + Send {
        Self::authenticate(self, token, request, routing, origin, parent)
    }
}
