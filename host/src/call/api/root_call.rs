//! Calls from outside: from a client or from the operator.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Instrument as _;
use wasmtime::component::Val;

use super::calls::{Calls, Inner};
use crate::call::durability::claims::Claim;
use crate::call::durability::request_key::RequestKey;
use crate::call::durability::root_persistence::RootPersistence;
use crate::call::durability::{AfterRun, Lookup};
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::call::{Call, panic_message};
use crate::call::engine::root::{Root, RootDetails};
use crate::call::engine::spans::{begin_call, end_call};
use crate::call::reuse::CachedAnswer;
use crate::call::routing::circuit::Client;
use crate::call::routing::{Origin, Routing, RoutingTable};
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::names::{CommitSeq, Identity, RequestId, ServiceName};
use crate::observe::traces::{ParentSpan, Span};

/// A call from outside.
#[derive(Debug)]
pub struct RootCall {
    pub service: ServiceName,
    pub function: Arc<Function>,
    /// One for each parameter of `function`, in their order.
    pub arguments: Vec<Val>,
    pub identity: Option<Identity>,
    pub request: RequestId,
    /// The client's key, if it may repeat the request.
    pub key: Option<RequestKey>,
    /// Where its span belongs.
    pub span: ParentSpan,
    /// Whether the caller needs only the encoded body of a successful answer. Then [`Reply::answer`] has no value if
    /// [`Reply::cached`] has the body.
    pub takes_body: bool,
}

/// The answer to a client's request.
#[derive(Debug, Clone)]
pub struct Reply {
    pub answer: Answer,
    /// Whether this answer was given before, to an earlier request with the same key.
    pub replayed: bool,
    /// The answer in the cache, which may have its encoded body.
    pub cached: Option<Arc<CachedAnswer>>,
    /// Whether the call did not run, because the cache had its answer.
    pub reused: bool,
}

impl Reply {
    /// The first answer to a request, from a run.
    #[must_use]
    pub fn new(answer: Answer) -> Self {
        Self { answer, replayed: false, cached: None, reused: false }
    }
}

impl Calls {
    /// Runs one call to its end and waits until it is durable. With a key it has one effect: a repeated request gets
    /// the first answer, and waits for it if necessary.
    ///
    /// The host repeats a call that fails after an effect elsewhere until it ends. The client waits until the call's
    /// deadline.
    ///
    /// # Errors
    ///
    /// [`CallError`]; none of the call's effects remains in its service's store.
    ///
    /// # Cancel safety
    ///
    /// If the future of a call that may write is dropped, the call continues in the background, so that its effects
    /// elsewhere are finished or undone. A read-only call ends at once.
    pub async fn call(&self, mut call: RootCall, routing: &Routing, origin: Origin<'_>) -> Result<Reply, CallError> {
        let Inner { durable, current, tasks, .. } = &*self.inner;
        let service = call.service.clone();
        let reads_only = call.function.reads_only();
        if !reads_only {
            durable.check_running()?;
        }
        let claim = match &call.key {
            None => None,
            Some(key) => {
                let no_service = || CallError::unavailable(&service, "no such service");
                let backend = routing.live().backend(&service).ok_or_else(no_service)?;
                match durable.look_up(key, &backend.service, &call.function).await? {
                    Lookup::Answered(answer) => return Ok(Reply { replayed: true, ..Reply::new(answer) }),
                    Lookup::First(claim) => Some(claim),
                }
            }
        };
        let table = current.begin(routing, call.identity.as_ref(), origin, (&service, reads_only)).await;
        let table = table.map_err(|why| CallError::not_begun(&service, why))?;
        let persistence = RootPersistence::new(durable, call.key.clone(), Vec::new(), false);
        let span = begin_call(&call.span, &service, &call.function);
        call.span = span.as_parent();
        let root = self.inner.root(table, call, origin, &persistence);
        // In a box, because it moves several times.
        let run = Box::pin(run(Arc::clone(&self.inner), root, (persistence, claim), span));
        if reads_only {
            return run.await;
        }
        let (send, answer) = tokio::sync::oneshot::channel();
        let run = async move {
            // The client may be gone. The call still runs.
            let _gone = send.send(run.await);
        };
        tasks.spawn("call", run.in_current_span());
        answer.await.unwrap_or(Err(CallError::Failed { service }))
    }
}

impl Inner {
    pub(in crate::call::api) fn root(
        &self,
        table: Arc<RoutingTable>,
        call: RootCall,
        origin: Origin<'_>,
        persistence: &Arc<RootPersistence>,
    ) -> Arc<Root> {
        let details = RootDetails {
            client: Some(Client::of(call.identity.as_ref(), origin.client)),
            service: call.service,
            function: call.function,
            arguments: call.arguments.into(),
            identity: call.identity,
            calling_service: None,
            request: call.request,
            seed: self.entropy.seed(),
            time_unix_micros: self.durable.begins_at(),
            may_have_run: false,
            span: call.span,
            takes_body: call.takes_body,
        };
        let persistence = Arc::<RootPersistence>::clone(persistence);
        Root::new(table, details, persistence, &self.durable.instances, CommitSeq::default())
    }
}

/// Runs a root call to its end. A panic of the host is an error of the call; an open intent continues in any case.
async fn run(
    inner: Arc<Inner>,
    root: Arc<Root>,
    (persistence, claim): (Arc<RootPersistence>, Option<Claim>),
    span: Span,
) -> Result<Reply, CallError> {
    let run = AssertUnwindSafe(run_once(&inner, &root, &persistence, claim)).catch_unwind().await;
    let result = run.unwrap_or_else(|panic| {
        let (service, request) = (&root.details.service, root.details.request.as_str());
        if inner.durable.may_log("the host panicked at the end of a call", service) {
            let panic = panic_message(&*panic);
            tracing::error!(%service, request, panic, "the host panicked at the end of a call");
        }
        inner.durable.adopt(&root, &persistence);
        Err(CallError::Failed { service: service.clone() })
    });
    end_call(span, &root.details.service, result.as_ref().map(|reply| &reply.answer));
    result
}

async fn run_once(
    inner: &Inner,
    root: &Arc<Root>,
    persistence: &Arc<RootPersistence>,
    claim: Option<Claim>,
) -> Result<Reply, CallError> {
    let service = &root.details.service;
    let Some(backend) = root.table.backend(service).cloned() else {
        return Err(CallError::unavailable(service, "no such service"));
    };
    let call = Call::root(root, &backend);
    let deadline = call.deadline();
    let result = call.execute().await;
    let (cached, reused) = result.as_ref().map_or((None, false), |ended| (ended.cached.clone(), ended.is_reused));
    let answer = match inner.durable.after_run(root, persistence, result, claim).await {
        AfterRun::Ended(result) => result,
        AfterRun::GoesOn(outcome) => match tokio::time::timeout_at(deadline.into(), outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(CallError::Begun { service: service.clone() }),
        },
    };
    inner.durable.wait_durable(root).await?;
    fail_point("answer.before-telling");
    answer.map(|answer| Reply { cached, reused, ..Reply::new(answer) })
}
