//! Calls: one run of an exported function, however it was reached, and one transaction on its service's store.
//!
//! Invariant: an answer leaves [`Calls::call`] only when the journal is durable up to all that its call, and every call
//! that it made, did or saw.

mod admission;
mod answer;
mod authentication;
mod breaker;
mod compare;
mod derive;
mod directory;
mod execute;
mod hold;
mod host_call;
mod nested;
mod replay;
mod root;
mod routing;
mod run;
mod shadow;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::Instrument as _;
use wasmtime::component::Val;

pub use answer::{Answer, CallError};
pub use directory::{Directory, Member, NotExported, Release, Service};
pub use hold::Hold;
pub use host_call::HostCall;
pub use routing::{Candidate, Origin, Routing, Share, Worlds};
pub use shadow::Shadow;

use crate::clock;
use crate::contract::Function;
use crate::names::{Identity, RequestId, ServiceName};
use crate::store::Stores;
use crate::tasks::Tasks;
use authentication::Sessions;
use execute::Call;
use root::{Entropy, Root};

/// The data plane: runs calls on the releases that its routing names. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Calls {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    routing: ArcSwap<Routing>,
    stores: Stores,
    entropy: Entropy,
    sessions: Sessions,
    tasks: Tasks,
    gate: hold::Gate,
    past: hold::Past,
}

/// A call from outside: a client's, or the operator's.
#[derive(Debug)]
pub struct RootCall {
    pub service: ServiceName,
    pub function: Arc<Function>,
    /// One for each parameter of `function`, in their order.
    pub arguments: Vec<Val>,
    pub identity: Option<Identity>,
    pub request: RequestId,
}

impl Calls {
    /// Calls run in `tasks`, which therefore awaits them at shutdown. The answer of `authenticate` may be used again
    /// for `authentication_cache_ms_max` milliseconds.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn new(
        routing: Routing,
        stores: Stores,
        tasks: Tasks,
        authentication_cache_ms_max: u64,
    ) -> Result<Self, getrandom::Error> {
        let sessions = Sessions::new(authentication_cache_ms_max);
        let routing = ArcSwap::from_pointee(routing);
        Ok(Self {
            inner: Arc::new(Inner {
                routing,
                stores,
                entropy: Entropy::new()?,
                sessions,
                tasks,
                gate: hold::Gate::default(),
                past: hold::Past::default(),
            }),
        })
    }

    /// What root calls begin on now.
    #[must_use]
    pub fn routing(&self) -> Arc<Routing> {
        self.inner.routing.load_full()
    }

    /// Makes `routing` what root calls begin on. Calls under way end on what they began with.
    pub fn swap(&self, routing: Routing) {
        let before = self.inner.routing.swap(Arc::new(routing));
        self.inner.past.add(&before);
    }

    /// Runs one call, on what `routing` has for who makes it, to its end and waits until it is durable.
    ///
    /// # Errors
    ///
    /// [`CallError`]; nothing of the call remains in its service's store.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of a call that may write does not end it: it goes on in the background, so that what it
    /// began elsewhere is finished or undone. A read-only call ends where it is.
    pub async fn call(&self, call: RootCall, routing: &Routing, origin: Origin<'_>) -> Result<Answer, CallError> {
        let directory = self.inner.begin(routing, call.identity.as_ref(), origin, &call.service).await?;
        if call.function.reads_only() {
            return run(Arc::clone(&self.inner), directory, call).await;
        }
        let (send, answer) = tokio::sync::oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let service = call.service.clone();
        let run = async move {
            // The client may be gone: then nobody takes the answer, and the call is done all the same.
            let _unheard = send.send(run(inner, directory, call).await);
        };
        self.inner.tasks.spawn("call", run.in_current_span());
        answer.await.unwrap_or(Err(CallError::Failed { service }))
    }

    /// Who the bearer token `token` belongs to; nobody when it is unknown, or no contract carries `authenticate`.
    ///
    /// # Errors
    ///
    /// [`CallError`] when the service that knows cannot be asked.
    pub async fn authenticate(
        &self,
        token: &str,
        request: &RequestId,
        routing: &Routing,
        origin: Origin<'_>,
    ) -> Result<Option<Identity>, CallError> {
        let Some(authenticator) = routing.live().authenticator() else { return Ok(None) };
        let service = authenticator.member.service.name();
        let directory = self.inner.begin(routing, None, origin, service).await?;
        let Some(authenticator) = directory.authenticator() else { return Ok(None) };
        let key = Sessions::key(token);
        if let Some(identity) = self.inner.sessions.get(&key, &authenticator.member) {
            return Ok(Some(identity));
        }
        let call = RootCall {
            service: authenticator.member.service.name().clone(),
            function: Arc::clone(&authenticator.function),
            arguments: vec![Val::String(token.into())],
            identity: None,
            request: request.clone(),
        };
        let root = self.inner.root(Arc::clone(&directory), &call);
        let call = Call::root(&root, &authenticator.member, &call.function, call.arguments);
        let (answer, reads) = call.read().await?;
        self.inner.stores.wait_durable(root.reached()).await?;
        let identity = authentication::identity(answer);
        if let Some(identity) = &identity {
            self.inner.sessions.keep(key, identity.clone(), reads, &authenticator.member.release);
        }
        Ok(identity)
    }
}

impl Inner {
    fn root(&self, directory: Arc<Directory>, call: &RootCall) -> Arc<Root> {
        Arc::new(Root::new(directory, call, self.entropy.seed(), clock::unix_micros()))
    }
}

async fn run(inner: Arc<Inner>, directory: Arc<Directory>, call: RootCall) -> Result<Answer, CallError> {
    let Some(member) = directory.member(&call.service).cloned() else {
        return Err(CallError::unavailable(&call.service, "no such service"));
    };
    let root = inner.root(directory, &call);
    let answer = Call::root(&root, &member, &call.function, call.arguments).execute().await;
    // The output gate: also a failure tells of what it saw, and calls that it made may have committed.
    inner.stores.wait_durable(root.reached()).await?;
    answer
}
