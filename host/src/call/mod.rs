//! Calls: one run of an exported function, however it was reached, and one transaction on its service's store.
//!
//! Invariant: an answer leaves [`Calls::call`] only when the journal is durable up to all that its call, and every call
//! that it made, did or saw.

mod admission;
mod answer;
mod authentication;
mod breaker;
mod certain;
mod compare;
mod component;
mod derive;
mod execute;
mod hold;
mod host_call;
mod intent;
mod intents;
mod mounts;
mod nested;
mod observer;
mod oversight;
mod recovery;
mod replay;
mod request_key;
mod retention;
mod root;
mod routing;
mod run;
mod shadow;
mod table;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tracing::Instrument as _;
use wasmtime::component::Val;

pub use answer::{Answer, CallError};
pub use component::LinkedComponent;
pub use hold::Hold;
pub use host_call::HostCall;
pub use intents::IntentView;
pub use mounts::Mount;
pub use oversight::{HeldIntent, IntentError, close_intent};
pub use recovery::{FindError, PinnedReleases};
pub use request_key::{RequestKey, RequestScope};
pub use routing::{Candidate, Origin, Routing, Share, Worlds};
pub use shadow::Shadow;
pub use table::{Backend, LoadedRelease, NotExported, RoutingTable, Service};

use crate::clock;
use crate::config::RetrySettings;
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::names::{HostSecret, Identity, RequestId, ServiceName};
use crate::store::Stores;
use crate::store::system::ANSWERS;
use crate::tasks::Tasks;
use authentication::Sessions;
use execute::Call;
use intent::Intent;
use intents::Intents;
use request_key::{Claim, Claimed, OtherRequest, UnderWay};
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
    settings: RetrySettings,
    secret: HostSecret,
    under_way: UnderWay,
    intents: Intents,
    observer: observer::RoutingObserver,
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
    /// The client's key, where it may make the request again.
    pub key: Option<RequestKey>,
}

/// What a client's request came to.
#[derive(Debug, Clone)]
pub struct Reply {
    pub answer: Answer,
    /// Whether the answer is that to an earlier request with the same key.
    pub replayed: bool,
}

impl Calls {
    /// Calls run in `tasks`, which therefore awaits them at shutdown. The answer of `authenticate` may be used again
    /// for `authentication_cache_ms_max` milliseconds. The ids of the host's own calls follow from `secret`.
    ///
    /// # Errors
    ///
    /// When the system gives no randomness.
    pub fn new(
        routing: Routing,
        stores: Stores,
        tasks: Tasks,
        authentication_cache_ms_max: u64,
        settings: RetrySettings,
        secret: HostSecret,
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
                settings,
                secret,
                under_way: UnderWay::default(),
                intents: Intents::default(),
                observer: observer::RoutingObserver::default(),
            }),
        })
    }

    /// From now on the seeds of root calls follow from `seed`. For the simulator.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn draw_seeds_from(&self, seed: u64) {
        self.inner.entropy.draw_from(seed);
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

    /// Runs one call, on what `routing` has for who makes it, to its end and waits until it is durable. With a key it is
    /// run once: who asks again is given the first answer, and who asks meanwhile waits for it.
    ///
    /// A call that fails after it began something elsewhere is made again until it ends: its answer is waited for until
    /// its deadline.
    ///
    /// # Errors
    ///
    /// [`CallError`]; nothing of the call remains in its service's store.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of a call that may write does not end it: it goes on in the background, so that what it
    /// began elsewhere is finished or undone. A read-only call ends where it is.
    pub async fn call(&self, call: RootCall, routing: &Routing, origin: Origin<'_>) -> Result<Reply, CallError> {
        let claim = match &call.key {
            None => None,
            Some(key) => match self.inner.claim(key, &call, routing).await? {
                Asked::Before(answer) => return Ok(Reply { answer, replayed: true }),
                Asked::First(claim) => Some(claim),
            },
        };
        let table = self.inner.begin(routing, call.identity.as_ref(), origin, &call.service).await?;
        let service = call.service.clone();
        let reads_only = call.function.reads_only();
        let root = self.inner.root(table, call);
        let new = |answer| Reply { answer, replayed: false };
        if reads_only {
            return run(Arc::clone(&self.inner), root, claim).await.map(new);
        }
        let (send, answer) = tokio::sync::oneshot::channel();
        let inner = Arc::clone(&self.inner);
        let run = async move {
            // The client may be gone: then nobody takes the answer, and the call is done all the same.
            let _unheard = send.send(run(inner, root, claim).await);
        };
        self.inner.tasks.spawn("call", run.in_current_span());
        answer.await.unwrap_or(Err(CallError::Failed { service })).map(new)
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
        let service = authenticator.backend.service.name();
        let table = self.inner.begin(routing, None, origin, service).await?;
        let Some(authenticator) = table.authenticator() else { return Ok(None) };
        let key = Sessions::key(token);
        if let Some(identity) = self.inner.sessions.get(&key, &authenticator.backend) {
            return Ok(Some(identity));
        }
        let call = RootCall {
            service: authenticator.backend.service.name().clone(),
            function: Arc::clone(&authenticator.function),
            arguments: vec![Val::String(token.into())],
            identity: None,
            request: request.clone(),
            key: None,
        };
        let root = self.inner.root(Arc::clone(&table), call);
        let (answer, reads) = Call::root(&root, &authenticator.backend).read().await?;
        self.inner.stores.wait_durable(root.reached()).await?;
        let identity = authentication::identity(answer);
        if let Some(identity) = &identity {
            self.inner.sessions.keep(key, identity.clone(), reads, &authenticator.backend.release);
        }
        Ok(identity)
    }
}

/// Whether a request with a key was made before.
enum Asked {
    Before(Answer),
    First(Claim),
}

impl Inner {
    fn root(&self, table: Arc<RoutingTable>, call: RootCall) -> Arc<Root> {
        Arc::new(Root::new(table, call, self.entropy.seed(), clock::unix_micros()))
    }

    /// The answer to the request with `key`, or the right to make it. Waits while the same request is under way, for as
    /// long as the call itself may take.
    async fn claim(&self, key: &RequestKey, call: &RootCall, routing: &Routing) -> Result<Asked, CallError> {
        let Some(backend) = routing.live().backend(&call.service) else {
            return Err(CallError::unavailable(&call.service, "no such service"));
        };
        let service = &backend.service;
        let until = clock::now() + Duration::from_millis(service.limits.deadline_ms);
        loop {
            let mut ended = match self.under_way.claim(key).map_err(|OtherRequest| CallError::KeyReused)? {
                Claimed::Running(ended) => ended,
                // Looked up when nobody else can commit it any more.
                Claimed::Yes(claim) => {
                    return Ok(match self.answered(key, service, &call.function).await? {
                        Some(answer) => Asked::Before(answer),
                        None => Asked::First(claim),
                    });
                }
            };
            if tokio::time::timeout_at(until.into(), ended.changed()).await.is_err() {
                return Err(CallError::Deadline { service: call.service.clone() });
            }
        }
    }

    /// The answer that is kept for `key`; it is durable.
    async fn answered(
        &self,
        key: &RequestKey,
        service: &Service,
        function: &Function,
    ) -> Result<Option<Answer>, CallError> {
        let unavailable = |why| CallError::unavailable(service.name(), why);
        let mut transaction = service.store.begin_read();
        let stored = transaction.get_row(&ANSWERS, &key.id());
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(service = %service.name(), %error, "a kept answer cannot be read");
        };
        let stored = stored.inspect_err(|error| unreadable(error));
        let Some(stored) = stored.map_err(|_| unavailable("its store cannot be read"))? else {
            let full = service.store.usage(&ANSWERS).bytes >= ANSWERS.bytes_max(service.limits.kept_bytes_max);
            return if full { Err(unavailable("there is no room to keep answers")) } else { Ok(None) };
        };
        let answer = key.open(&stored).map_err(|OtherRequest| CallError::KeyReused)?;
        self.stores.wait_durable(transaction.saw()).await?;
        let answer = Answer::decode(function, &answer).inspect_err(|error| unreadable(error));
        answer.map(Some).map_err(|_| unavailable("the request was answered by another contract"))
    }
}

/// Runs a root call to its end, and waits until what it tells is durable.
async fn run(inner: Arc<Inner>, root: Arc<Root>, claim: Option<Claim>) -> Result<Answer, CallError> {
    let Some(backend) = root.table.backend(&root.service).cloned() else {
        return Err(CallError::unavailable(&root.service, "no such service"));
    };
    let call = Call::root(&root, &backend);
    let deadline = call.deadline;
    let answer = match call.execute().await {
        // Nothing can be made again until the host starts anew, which then does so.
        Err(stopped @ CallError::Stopped(_)) => Err(stopped),
        Err(error) if root.intent_is_open() && (root.effects() > 0 || inner.close(&root, &backend).await.is_err()) => {
            let ended = inner.intents.add(Intent::of(&root), claim, Some(&error));
            let begun = CallError::Begun { service: root.service.clone() };
            match tokio::time::timeout_at(deadline.into(), ended).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => Err(begun),
            }
        }
        ended => ended.map(|ended| ended.answer),
    };
    // The output gate: also a failure tells of what it saw, and calls that it made may have committed.
    inner.stores.wait_durable(root.reached()).await?;
    fail_point("answer.before-telling");
    answer
}
